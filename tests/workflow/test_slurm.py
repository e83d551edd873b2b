"""The cluster profile: what Slurm is asked for, and that jobs run through it; with a Slurm made of stubs."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from project import ROOT, Run

pytest.importorskip("snakemake_executor_plugin_slurm")

PROFILES = {
    name: yaml.safe_load((ROOT / f"profiles/{name}/profile.yaml").read_text())
    for name in ("default", "slurm")
}
MODEL_RULES = (
    "pretrain",
    "pretrain_reward",
    "check_gate",
    "tune",
    "generate",
    "score_preferences",
    "score_variants",
    "score_responses",
)

# $0's folder keeps the state: one file per job. A batch job gets as many devices as it asked for.
STUBS = {
    "sbatch": r"""
        state=$(dirname "$0")/../state
        id=1
        until mkdir "$state/../taken.$id" 2>/dev/null; do id=$((id + 1)); done
        echo RUNNING >"$state/$id"
        for argument; do printf '%s\0' "$argument"; done >"$state/../submitted.$id"
        gpus=0
        for argument; do case $argument in
            --gpus=*) gpus=${argument#--gpus=} ;;
            --wrap=*) script=${argument#--wrap=} ;;
        esac; done
        export SLURM_JOB_ID=$id
        [ "$gpus" = 0 ] || export SLURM_GPUS=$gpus CUDA_VISIBLE_DEVICES=$(seq -s, 0 $((gpus - 1)))
        (
            if sh -c "$script" >"$state/../job.$id.log" 2>&1; then end=COMPLETED; else end=FAILED; fi
            echo $end >"$state/$id"
        ) </dev/null >/dev/null 2>&1 &
        echo "$id"
    """,
    "squeue": r"""
        cd "$(dirname "$0")/../state" && for id in *; do echo "$id|$(cat "$id")"; done
    """,
    "srun": r"""
        printf '%s\n' "$*" >>"$(dirname "$0")/../steps"
        while case $1 in -*) true ;; *) false ;; esac; do shift; done
        exec "$@"
    """,
    "scontrol": "echo 'MinJobAge = 300 sec'",
    "sinfo": r"printf 'PARTITION\nbatch*\ngpu\n'",
    "sacct": "echo 'Slurm accounting storage is disabled' >&2; exit 1",
    "sacctmgr": "true",
    "sshare": "true",
    "scancel": "true",
}


class Cluster:
    def __init__(self, folder: Path):
        self.folder = folder
        (folder / "state").mkdir(parents=True)
        (folder / "bin").mkdir()
        for name, text in STUBS.items():
            path = folder / "bin" / name
            path.write_text(f"#!/bin/sh\n{text}\n")
            path.chmod(0o755)

    def run(self, project, *arguments: str, timeout: int = 300) -> Run:
        """Call snakemake as on a login node, only less patient."""
        command = [sys.executable, "-m", "snakemake", *arguments]
        command += ["--workflow-profile", "profiles/slurm", "--configfile", "config/small.yaml"]
        command += ["--slurm-init-seconds-before-status-checks", "2", "--max-status-checks-per-second", "5"]
        command += ["--latency-wait", "10"]
        # Any Slurm variable of the machine that runs the tests would be a job to be inside of.
        environment = {
            "PATH": f"{self.folder / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "OMP_NUM_THREADS": "1",
        }
        done = subprocess.run(
            command,
            cwd=project.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        return Run(done.returncode, done.stdout + done.stderr)

    def submitted(self) -> dict[str, list[str]]:
        """Rule → the sbatch arguments of its last job, without the command."""
        jobs = {}
        for path in sorted(self.folder.glob("submitted.*")):
            arguments = [word for word in path.read_text().split("\0") if not word.startswith("--wrap=")]
            rule = arguments[arguments.index("--comment") + 1].removeprefix("rule_").split("_wildcards")[0]
            jobs[rule] = arguments
        return jobs


@pytest.fixture
def cluster(tmp_path):
    return Cluster(tmp_path / "cluster")


def value(arguments: list[str], flag: str) -> str:
    return arguments[arguments.index(flag) + 1]


def test_jobs_ask_slurm_for_what_the_study_says_and_run(cluster, project):
    profile = project.folder / "profiles/slurm/profile.yaml"
    # As a site fills it in.
    profile.write_text(
        profile.read_text()
        .replace("# slurm_account:", "slurm_account:")
        .replace("# slurm_partition:", "slurm_partition:")
        .replace("# set-resources:", "set-resources:")
        .replace("#   ", "  ")
    )
    project.study(
        models={
            # More than the default profile would let pass.
            "small": {"kind": "embedded", "chats": 30, "gpu": 2, "mem_mb": 3000, "runtime": 45},
            "small-base": {"kind": "embedded", "chats": 30, "wordings": "reward", "studied": False},
        },
        suites={"harmful": {"kind": "harmful", "path": "resources/prompts/harmful.jsonl", "n": 4}},
    )
    run = cluster.run(project, "prompts", "models/small/model.json")
    logs = "\n".join(path.read_text() for path in cluster.folder.glob("job.*.log"))
    assert run.code == 0, run.text + logs
    jobs = cluster.submitted()
    assert set(jobs) == {"load_prompts", "pretrain"}

    training = jobs["pretrain"]
    assert "--gpus=2" in training
    assert "--cpus-per-task=1" in training
    assert value(training, "--mem") == "3000"
    assert value(training, "-t") == "45"
    assert value(training, "-p") == "gpu"
    assert value(training, "-A") == "my-account"

    wrapping = jobs["load_prompts"]
    assert not [word for word in wrapping if word.startswith(("--gpu", "--gres"))]
    assert value(wrapping, "--mem") == "2000"
    assert value(wrapping, "-t") == "60"
    assert value(wrapping, "-p") == "cpu"

    # A job keeps the devices that Slurm gave it, and is one task however many they are.
    assert (project.folder / "models/small/model.json").exists()
    assert "gpu:" not in (project.folder / "models/small/pretrain.log").read_text()
    assert all("-n1" in shlex.split(step) for step in (cluster.folder / "steps").read_text().splitlines())

    # What the jobs wrote is remembered as on a workstation.
    assert "Nothing to be done" in cluster.run(project, "prompts", "models/small/model.json").text


def test_what_both_profiles_need_is_the_same_in_both():
    shared = ("max-checksum-file-size", "rerun-incomplete", "show-failed-logs", "benchmark-extended", "quiet")
    assert {key: PROFILES["slurm"][key] for key in shared} == {
        key: PROFILES["default"][key] for key in shared
    }
    assert set(PROFILES["default"]) == {*shared, "resources", "default-resources"}


def test_the_cluster_is_not_held_to_a_number_of_gpus():
    assert "resources" not in PROFILES["slurm"]
    assert PROFILES["slurm"]["default-resources"]["gpu"] == 0


def test_the_profile_names_every_rule_that_runs_a_model():
    text = (ROOT / "profiles/slurm/profile.yaml").read_text()
    assert [rule for rule in MODEL_RULES if f"#   {rule}: " not in text] == []


@pytest.mark.parametrize("profile", PROFILES)
def test_every_entry_has_its_reason(profile):
    lines = (ROOT / f"profiles/{profile}/profile.yaml").read_text().split("# --- As in")[0].splitlines()
    # A comment above the entry, or above the entry that it follows without a gap.
    blocks = "\n".join(lines).split("\n\n")
    bare = [block for block in blocks if any(line and line[0] not in "# " for line in block.splitlines())]
    assert [block for block in bare if not block.startswith("#") and block != "executor: slurm"] == []
