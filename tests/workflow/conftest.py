"""Projects for the workflow's tests: an empty copy for each, and one with a finished study for all."""

import pickle

import pytest
from filelock import FileLock
from project import Project, Run


@pytest.fixture
def project(tmp_path) -> Project:
    return Project.copied(tmp_path / "project")


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id) -> Project:
    """The small study, run to its end once for all of pytest's processes; tests that change it clone it first."""
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    project = Project(shared / "finished/project")
    with FileLock(shared / "finished.lock"):
        if not (shared / "finished/run.pickle").exists():
            Project.copied(project.folder).study()
            run = project.small()
            (shared / "finished/run.pickle").write_bytes(pickle.dumps(run))
        run: Run = pickle.loads((shared / "finished/run.pickle").read_bytes())
    assert run.code == 0, run.text
    return project
