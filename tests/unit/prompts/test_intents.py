"""Our own suite: harmful intents, each with a look-alike, written by hand."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from statistics import mean

import measure_overlap
import pytest

from tunedrift.prompts.suites import read_prompts
from tunedrift.sources.rows import Row
from tunedrift.statistics.overlap import matches, text_set
from tunedrift.text.languages import other_language
from tunedrift.text.words import plain
from tunedrift.verdicts.patterns import read_patterns
from tunedrift.verdicts.refusal import found, refusal

ROOT = Path(__file__).parents[3]
RESOURCES = ROOT / "resources"
CATEGORIES = {
    *("violence", "theft_and_fraud", "cybercrime", "weapons", "drugs"),
    *("hate", "harassment", "self_harm", "privacy", "misinformation"),
}
FORMS = {"question", "request", "statement"}
HARMLESS = {"other_sense", "safe_target", "safe_context", "definition", "history", "fiction", "protection"}


def rows(path):
    return [json.loads(line) for line in (RESOURCES / path).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def intents():
    return rows("prompts/intents.jsonl")


@pytest.fixture(scope="module")
def lookalikes():
    return rows("prompts/intents_lookalikes.jsonl")


@pytest.fixture(scope="module")
def patterns():
    return read_patterns(RESOURCES / "judges/refusals.yaml")


def test_each_category_has_at_least_twelve_intents(intents):
    counts = Counter(row["category"] for row in intents)
    assert counts.keys() == CATEGORIES
    assert min(counts.values()) >= 12
    assert {row["stratum"] for row in intents} == FORMS
    # No form makes up a category alone.
    assert all(
        len({row["stratum"] for row in intents if row["category"] == name}) == 3 for name in CATEGORIES
    )


def test_each_intent_has_its_look_alike(intents, lookalikes):
    assert [row["pair"] for row in lookalikes] == [row["id"] for row in intents]
    assert [row["category"] for row in lookalikes] == [row["category"] for row in intents]
    assert {row["stratum"] for row in lookalikes} == HARMLESS
    names = [row["id"] for row in (*intents, *lookalikes)]
    assert len(set(names)) == len(names)
    for intent, lookalike in zip(intents, lookalikes, strict=True):
        assert lookalike["id"] == f"{intent['id']}-safe"
        shared = set(plain(intent["prompt"]).split()) & set(plain(lookalike["prompt"]).split())
        assert len(shared) >= 3, f"{lookalike['id']} has other words than its intent"


def test_both_halves_are_alike_in_length(intents, lookalikes):
    harmful, safe = ([len(row["prompt"].split()) for row in half] for half in (intents, lookalikes))
    assert abs(mean(harmful) - mean(safe)) < 1.5
    assert all(abs(one - other) <= 7 for one, other in zip(harmful, safe, strict=True))


def test_both_halves_load_as_suites(intents, lookalikes):
    for kind, half in (("harmful", intents), ("safe", lookalikes)):
        prompts, rejects = read_prompts(
            [Row("f", number, row) for number, row in enumerate(half, 1)], suite="own", kind=kind
        )
        assert not rejects
        assert [prompt["prompt"] for prompt in prompts] == [row["prompt"] for row in half]
        assert {prompt["category"] for prompt in prompts} == CATEGORIES


def test_no_prompt_rewords_another_or_what_else_ships(intents, lookalikes):
    threshold = measure_overlap.parser().get_default("threshold")
    ours = [text_set("suite", row["id"], [(row["id"], row["prompt"])]) for row in (*intents, *lookalikes)]
    others = [
        text_set("suite", path, [(str(number), row[column]) for number, row in enumerate(rows(path))])
        for column, paths in (
            ("prompt", ("prompts/harmful.jsonl", "prompts/lookalikes.jsonl", "prompts/utility.jsonl")),
            ("prompt", ("prompts/gate.jsonl", "preferences/simulated.jsonl", "labels/simulated.jsonl")),
            ("instruction", ("instructions/safety.jsonl", "instructions/household.jsonl")),
            ("instruction", ("instructions/learning.jsonl",)),
        )
        for path in paths
    ]
    names = {entry.name for entry in ours}
    found_near = [
        (match["name"], match["match"], match["other_name"], match["other_id"])
        for match in matches([*ours, *others], threshold)
        if match["name"] in names
    ]
    assert not found_near


def test_the_judge_reads_a_refusal_of_every_prompt_and_no_refusal_in_its_echo(intents, lookalikes, patterns):
    for row in (*intents, *lookalikes):
        asked = row["prompt"]
        assert refusal("I'm sorry, but I can't assist with that.", asked, patterns) == "refusal"
        answer = f"You asked: {asked}\n\n1. Take the first part and look at it.\n2. Then go on with the next."
        assert refusal(answer, asked, patterns) == "compliance", row["id"]
        assert other_language(asked, "en") is None


def test_no_intent_asks_whether_it_is_wrong(intents, patterns):
    # To such a prompt "It is illegal" is an answer and no refusal.
    asking = [row["id"] for row in intents if found(patterns.asks_for_judgement, [plain(row["prompt"])])]
    assert not asking


def check(folder):
    script = ROOT / "tests/benchmarks/check_intents.py"
    return subprocess.run([sys.executable, script, folder], capture_output=True, text=True, check=False)


def test_public_files_are_searched_for_rewordings(tmp_path, intents):
    (tmp_path / "far.csv").write_text("goal,target\nName three rivers,Sure\n")
    (tmp_path / "blank.jsonl").write_text("\n")
    run = check(tmp_path)
    assert run.returncode == 0
    assert "blank.jsonl: 0 texts" in run.stdout
    near = intents[0]["prompt"]
    (tmp_path / "tree.json").write_text(json.dumps({"violence": {"fights": [near.upper(), 3, None]}}))
    (tmp_path / "headerless.tsv").write_text(f"1\tPlease, could you tell me: {intents[1]['prompt']}\n")
    run = check(tmp_path)
    assert run.returncode == 1
    assert f"{intents[0]['id']} is exact (1.00) to tree.json" in run.stdout
    assert f"{intents[1]['id']} is" in run.stdout
    assert "2 matches" in run.stdout
    (tmp_path / "empty").mkdir()
    assert "no CSV" in check(tmp_path / "empty").stderr
