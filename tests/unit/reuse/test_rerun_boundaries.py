"""Rerun boundaries: which programs an edit of the library touches, and that nothing else is loaded.

`COVERED` is written down so that a new import, which makes every user's step run again, is seen in review.
"""

import shutil
from pathlib import Path

import pytest

from tunedrift.reuse.code_digest import _parse, code_digest, covered

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "scripts"
JUDGES = tuple(
    f"tunedrift.verdicts.{kind}"
    for kind in ("refusal", "harm", "qi_2023", "xstest_2023", "learned", "not_refused")
)
UTILITY = tuple(
    f"tunedrift.verdicts.{kind}" for kind in ("utility", "number", "exact", "rouge_l", "parses", "runs_tests")
)
KINDS = {
    "judge": (*JUDGES, *UTILITY),
    "measure_invariance": JUDGES,  # those that a label set is for
    "score": ("tunedrift.rewards.classifier",),
}
"""Program → the modules that it imports by name."""

COVERED = {
    "check_gate": "chats errors files models responses tables text verdicts",
    "clean_store": "errors files reuse",
    "collect_lm_eval": "errors files responses tables",
    "contextualize": "errors hashing prompts tables",
    "costs": "errors report",
    "decide": "decisions design drift errors files hashing statistics tables",
    "draw_agreement": "design errors figures tables",
    "draw_drift": "drift errors figures tables",
    "draw_judges": "errors figures tables",
    "draw_losses": "design errors figures files",
    "draw_variants": "design errors figures tables",
    "export": "chats design errors files hashing instructions sources tables text variants",
    "fit_judge": "errors files hashing tables text verdicts",
    "generate": "chats design errors files hashing models responses reuse tables",
    "judge": "errors files hashing reuse tables text verdicts",
    "load_instructions": "chats errors files flags hashing instructions sources tables text",
    "load_labels": "errors files flags hashing labels sources tables",
    "load_preferences": "chats errors files flags hashing preferences sources tables",
    "load_prompts": "errors files flags hashing prompts sources tables",
    "measure_agreement": "agreement design drift errors hashing statistics tables text verdicts",
    "measure_drift": "design drift errors flags hashing labels statistics tables",
    "measure_invariance": "chats design errors files hashing paths reuse sources statistics tables text variants verdicts",
    "measure_judges": "errors files hashing labels statistics tables",
    "measure_loss": "adapters chats design errors files hashing models reuse tables",
    "measure_overlap": "errors hashing statistics tables text",
    "measure_variants": "chats errors files models tables variants",
    "pretrain": "chats embedded errors files models paths",
    "pretrain_reward": "chats embedded errors files models paths",
    "record_provenance": "design errors files paths report reuse tables",
    "resolve": "errors files models sources",
    "run_lm_eval": "design errors files models responses reuse",
    "score": "chats design errors files hashing models reuse rewards tables",
    "select_rows": "adapters chats errors files hashing models tables",
    "summarize": "design drift errors files flags report reuse tables text",
    "transform": "chats design errors files flags hashing paths sources tables text variants",
    "tune": "adapters chats errors files hashing models reuse tables",
}
"""Program of a rule → the rooms (and modules beside them) that its digest covers, with all its kinds."""


def of_rules():
    """The programs whose digest a rule knows; what is run by hand alone has no results to compute again."""
    programs = {path.stem for path in SCRIPTS.glob("*.py")}
    return sorted(program for program in programs if not program.startswith("write_"))


def files(program):
    path = SCRIPTS / f"{program}.py"
    return [file for file in covered(path, *KINDS.get(program, ())) if file != path]


@pytest.mark.parametrize("program", of_rules())
def test_the_rooms_behind_a_digest_are_written_down(program):
    parts = (file.relative_to(SCRIPTS / "tunedrift").parts for file in files(program))
    assert sorted({part.removesuffix(".py") for part, *_ in parts}) == COVERED[program].split()


LOADERS = {"load_instructions", "load_labels", "load_preferences", "load_prompts"}

EDITS = {
    "the waiting message of a lock": ("jobs/locks.py", set()),
    "a word of an error": ("jobs/cli.py", set()),
    "where a device is leased": ("jobs/devices.py", set()),
    "what a long job says": ("jobs/progress.py", set()),
    "the store's garbage collection": ("reuse/garbage.py", {"clean_store"}),
    "what is told of the hardware": ("report/provenance.py", {"record_provenance"}),
    "the longest field of a CSV file": ("sources/reading.py", LOADERS),
    "the name of a role in data sets": (
        "sources/turns.py",
        {"export", "load_instructions", "load_preferences"},
    ),
    "the name of a column in data sets": ("instructions/layouts.py", {"export", "load_instructions"}),
    "how a reward model is loaded": ("rewards/classifier.py", {"score"}),
    "the utility judge": ("verdicts/utility.py", {"judge"}),
    "what keeps a program in": ("verdicts/confined.py", {"judge"}),
    "the order of a tuning's rows": ("adapters/batches.py", {"tune", "select_rows", "measure_loss"}),
    "what a published label means": ("labels/layouts.py", {"load_labels"}),
    "a bootstrap interval": (
        "statistics/bootstrap.py",
        {"decide", "measure_drift", "measure_agreement", "measure_judges"},
    ),
    "a check of the study": ("study/checks.py", set()),
}
"""An edit → its module, and the programs whose digests change."""


@pytest.fixture
def edited(tmp_path):
    """The programs whose digest an edit of one module changes, in a copy of them all."""
    shutil.copytree(SCRIPTS, tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))

    def digests():
        _parse.cache_clear()
        paths = {program: tmp_path / f"scripts/{program}.py" for program in of_rules()}
        return {program: code_digest(path, *KINDS.get(program, ())) for program, path in paths.items()}

    def edited(module):
        before = digests()
        file = tmp_path / "scripts/tunedrift" / module
        file.write_text((file.read_text() if file.exists() else "") + "\nEDITED = True\n")
        after = digests()
        return {program for program in before if before[program] != after[program]}

    yield edited
    _parse.cache_clear()


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_changes_these_digests_alone(edited, edit):
    module, programs = EDITS[edit]
    assert edited(module) == programs


@pytest.mark.parametrize("module", ["verdicts/guard.py", "rewards/custom_head.py"])
def test_a_new_kind_changes_nobodys_digest(edited, module):
    assert edited(module) == set()


def test_the_utility_judge_is_in_the_digest_of_utility_judges_alone():
    utility = SCRIPTS / "tunedrift/verdicts/utility.py"
    judge = SCRIPTS / "judge.py"
    assert utility in covered(judge, "tunedrift.verdicts.utility")
    assert utility not in covered(judge, "tunedrift.verdicts.harm")
    assert utility not in covered(judge)
