"""What a user sees of a job: its log when it fails, its speed when it is done."""

import pytest


def test_a_failure_names_the_log_and_shows_what_it_says(project):
    (project.folder / "empty.jsonl").write_text("")
    project.study(datasets={"nothing": {"path": "empty.jsonl"}})
    run = project.small("instructions")
    assert run.code == 1
    said = run.text.partition("Error in rule load_instructions:")[2]
    assert "log: results/logs/load_instructions/nothing.log (check log file(s) for error details)" in said
    shown = said.partition("Logfile results/logs/load_instructions/nothing.log:")[2]
    assert "error: empty.jsonl" in shown


def test_the_costs_of_a_finished_study(finished, tmp_path):
    run = finished.clone(tmp_path / "project").small("costs")
    assert run.code == 0, run.text
    rows = {line.split()[0]: line.split()[1:] for line in run.text.splitlines() if line.strip()}
    for stage in (
        "pretrain",
        "pretrain_reward",
        "check_gate",
        "tune",
        "generate",
        "score_responses",
        "judge",
    ):
        jobs, *_, tokens_per_second = rows[stage]
        assert int(jobs) >= 1
        assert float(tokens_per_second.replace(",", "")) > 0
    assert rows["load_instructions"][0] == "1"
    # Jobs of one slot each: their GPU-hours are their hours.
    assert rows["tune"][1] == rows["tune"][2] > "0"


@pytest.mark.parametrize("folder", ["results/logs", "models"])
def test_logs_are_plain_lines(finished, folder):
    logs = {path: path.read_text() for path in (finished.folder / folder).rglob("*.log")}
    assert logs
    for path, text in logs.items():
        assert "\r" not in text, path
        assert "%|" not in text, path  # a bar
        assert "{'" not in text, path  # Trainer's mappings
        assert "Warning" not in text, path
