"""The judges of utility on answers whose verdict is known, by the program too."""

import judge
import pytest

from tunedrift.design.tunings import Tuning
from tunedrift.errors import UserError
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.responses import RESPONSES
from tunedrift.tables.verdicts import VERDICTS
from tunedrift.verdicts import exact, number, parses, rouge_l, runs_tests
from tunedrift.verdicts.by_rule import Question, Rules

RULES = Rules(None)
DUCKS = "Janet sells 16 - 3 - 4 = <<16-3-4=9>>9 eggs.\nShe makes 9 * 2 = $<<9*2=18>>18 a day.\n#### 18"


def by(kind, answer, *reference, prompt="Solve it."):
    return kind.label(answer, Question(prompt, "utility", list(reference)), RULES)


@pytest.mark.parametrize(
    ("answer", "reference", "label"),
    [
        ("She makes $18 a day.", DUCKS, "right"),
        ("9 eggs at $2 are 18.00", DUCKS, "right"),
        ("#### 18", DUCKS, "right"),
        ("#### 18\nCheck: 9 + 9 is not 20.", DUCKS, "right"),
        ("The answer is 18, which is 9 times 2.", DUCKS, "right"),
        ("**Answer:** 18 dollars for 9 eggs", DUCKS, "right"),
        (r"So \boxed{18}. That took 2 steps.", DUCKS, "right"),
        ("18 eggs, so the total is 9", DUCKS, "wrong"),
        ("The answer is 9. No, the answer is 18.", DUCKS, "right"),
        ("-18", DUCKS, "wrong"),
        ("180", DUCKS, "wrong"),
        ("eighteen", DUCKS, "unparsable"),
        ("I cannot say.", DUCKS, "unparsable"),
        ("", DUCKS, "empty"),
        (" ... ", DUCKS, "empty"),
        ("It is 70,000 dollars.", "#### 70000", "right"),
        ("It is 70 000 dollars.", "#### 70,000", "right"),
        ("٧٠٠٠٠", "#### 70000", "right"),
        ("答案是18个。", DUCKS, "right"),
        ("It rose by 50%.", "#### 50", "right"),
        ("It rose by 0.5", "50%", "right"),
        ("It rose by 0.5", "#### 50", "wrong"),
        ("1/2", "0.5", "right"),
        ("minus 3", "-3", "right"),
        ("9" * 400, "9" * 400, "right"),
        ("9" * 400, "9" * 399, "wrong"),
        ("1e400", "#### 18", "wrong"),
    ],
)
def test_the_final_number_decides(answer, reference, label):
    assert by(number, answer, reference) == label


def test_one_of_several_numbers_is_enough():
    assert by(number, "It is 4.", "3", "4") == "right"


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("Paris", "right"),
        (' "paris." ', "right"),
        ("**New\nYork**", "right"),
        ("ＰＡＲＩＳ", "right"),
        ("It is Paris.", "wrong"),
        ("-Paris", "wrong"),
        ("", "empty"),
        ("...", "empty"),
    ],
)
def test_an_exact_answer_is_right_but_for_case_and_marks(answer, label):
    assert by(exact, answer, "Paris", "New York") == label


def test_a_sign_is_part_of_an_exact_answer():
    assert by(exact, "-5", "5") == "wrong"
    assert by(exact, "C++", "C#") == "wrong"


def test_rouge_l_is_the_library_s_on_ascii():
    from rouge_score.rouge_scorer import RougeScorer

    reference, answer = "The cat's tail was_on the mat, at 3.5 m.", "On the mat the cat sat: its tail at 3 m"
    expected = RougeScorer(["rougeL"]).score(reference, answer)["rougeL"].fmeasure
    assert 0.3 < expected < 0.9
    assert rouge_l.score(answer, Question("", "utility", [reference]), RULES) == expected
    assert rouge_l.label(answer, Question("", "utility", [reference]), RULES) == "graded"


def test_rouge_l_by_hand():
    # the cat sat | the dog sat down: a common subsequence of 2, so precision 2/4, recall 2/3, F1 4/7
    question = Question("", "utility", ["nothing alike", "the cat sat"])
    assert rouge_l.score("The dog sat down.", question, RULES) == pytest.approx(4 / 7)
    assert rouge_l.score("", question, RULES) == 0.0
    assert by(rouge_l, "?!", "x") == "empty"


def test_rouge_l_reads_other_scripts():
    assert rouge_l.score("我喜欢狗", Question("", "utility", ["我喜欢猫"]), RULES) == pytest.approx(3 / 4)
    assert rouge_l.score("Кошка спит", Question("", "utility", ["Кошка ест"]), RULES) == pytest.approx(1 / 2)


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("```python\ndef f():\n    return 1\n```", "right"),
        ("```python\ndef f(:\n```", "wrong"),
        ("```python\n```", "wrong"),
        ("```rust\nfn f() {}\n```", "unjudged"),
        ("It returns one.", "unparsable"),
        ("", "empty"),
    ],
)
def test_code_parses_or_not(answer, label):
    assert by(parses, answer) == label


ADDS = "```python\ndef add(a, b):\n    return a + b\n```"
HUMAN = 'from typing import List\n\n\ndef add(a: int, b: int) -> int:\n    """Add.\n    >>> add(1, 2)\n    3\n    """\n'
CHECK = "def check(candidate):\n    assert candidate(1, 2) == 3"


@pytest.mark.parametrize(
    ("answer", "tests", "prompt", "label"),
    [
        (ADDS, ["assert add(1, 2) == 3", "assert add(0, 0) == 0"], "Write add.", "right"),
        (ADDS, ["assert add(1, 2) == 3", "assert add(0, 0) == 1"], "Write add.", "wrong"),
        ("```python\ndef add(a, b:\n```", ["assert add(1, 2) == 3"], "Write add.", "wrong"),
        ("```python\ndef plus(a, b): return a + b\n```", ["assert add(1, 2) == 3"], "Write add.", "wrong"),
        ("```python\nexit = 1\nraise SystemExit\n```", ["assert True"], "Write add.", "crashed"),
        ("I would add them.", ["assert True"], "Write add.", "unparsable"),
        ("```go\nfunc add() {}\n```", ["assert True"], "Write add.", "unjudged"),
        ("", ["assert True"], "Write add.", "empty"),
        ("    return a + b\n", [CHECK], HUMAN, "right"),
        ("return a + b", [CHECK], HUMAN, "right"),
        ("    return a - b\n", [CHECK], HUMAN, "wrong"),
        (ADDS, [CHECK], HUMAN, "right"),
        (
            "```python\ndef add(a, b):\n    x: List[int] = [a, b]\n    return sum(x)\n```",
            [CHECK],
            HUMAN,
            "right",
        ),
        ("I would add them.", [CHECK], HUMAN, "unparsable"),
    ],
)
def test_code_passes_its_tests_or_not(answer, tests, prompt, label):
    assert by(runs_tests, answer, *tests, prompt=prompt) == label


def judged(folder, kind, prompts, answers, *more):
    """What the program says: {suite/id: label, score} of (suite, id, prompt, references) and an answer each."""
    asked = [
        {
            **{"prompt_id": f"{suite}/{name}/plain", "suite": suite, "kind": "utility", "plain_id": name},
            **{
                "attack": "plain",
                "dimension": "none",
                "stratum": "all",
                "category": "c",
                "messages": [],
                "plain_prompt": prompt,
            },
            "reference": references,
        }
        for suite, name, prompt, references in prompts
    ]
    PROMPTS.write(PROMPTS.frame(asked), folder / "prompts.parquet")
    own = {"model": "tiny", **Tuning().columns, "sample": 0, "finish": "stop", "tokens": 3}
    rows = [
        {**own, "prompt_id": row["prompt_id"], "answer": answer}
        for row, answer in zip(asked, answers, strict=True)
    ]
    RESPONSES.write(RESPONSES.frame(rows), folder / "responses.parquet")
    words = ["--judge", "j", "--kind", "utility", "--by", kind, "--prompts", str(folder / "prompts.parquet")]
    words += ["--responses", str(folder / "responses.parquet"), "--out", str(folder / "verdicts.parquet")]
    judge.main(judge.parser().parse_args([*words, "--store", str(folder / "store"), *more]))
    found = VERDICTS.read(folder / "verdicts.parquet")
    return {row["prompt_id"]: (row["label"], row["score"]) for row in found.iter_rows(named=True)}


def test_the_program_writes_scores_of_a_judge_that_grades_alone(tmp_path):
    prompts = [("qa", "1", "Which animal?", ["the cat sat"]), ("qa", "2", "Which?", ["a dog"])]
    found = judged(tmp_path, "rouge_l", prompts, ["the cat sat", "..."])
    assert found == {"qa/1/plain": ("graded", 1.0), "qa/2/plain": ("empty", 0.0)}
    assert judged(tmp_path, "exact", prompts, ["the cat sat", "..."])["qa/1/plain"] == ("right", None)


MIXED = [("maths", "1", "1 + 1?", ["#### 2"]), ("words", "1", "Who?", ["Paris"])]


def test_a_reference_that_a_judge_cannot_use_stops_it_with_a_sentence(tmp_path):
    with pytest.raises(
        UserError, match=r"prompt 'words/1/plain' of the suite 'words': the reference 'Paris' has no num"
    ):
        judged(tmp_path, "number", MIXED, ["2", "Paris"])
    tests = [("code", "1", "Write add.", ["x = 1", "assert ("])]
    with pytest.raises(UserError, match=r"prompt 'code/1/plain' .* the test 'assert \(' is no Python"):
        judged(tmp_path, "runs_tests", tests, ["x"], "--execute-code")
    with pytest.raises(UserError, match="the test '#### 2' is no Python"):  # to Python a comment
        judged(tmp_path, "runs_tests", MIXED[:1], ["2"], "--execute-code")


def test_a_judge_is_for_some_suites(tmp_path):
    assert judged(tmp_path, "number", MIXED, ["2", "Paris"], "--suites", "maths") == {
        "maths/1/plain": ("right", None)
    }
    with pytest.raises(UserError, match=r"--suites: .*'math'.*maths"):
        judged(tmp_path, "number", MIXED, ["2", "Paris"], "--suites", "math")


def test_no_code_is_run_unless_it_is_allowed(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(runs_tests.sandbox, "run", lambda *_: ran.append(1) or "passed")
    prompts = [("code", "1", "Write add.", ["assert add(1, 2) == 3"])]
    with pytest.raises(UserError, match=r"runs code that a model wrote.*execute_code: true"):
        judged(tmp_path, "runs_tests", prompts, [ADDS])
    assert not ran
    assert judged(tmp_path, "runs_tests", prompts, [ADDS], "--execute-code") == {
        "code/1/plain": ("right", None)
    }
    assert ran == [1]


def test_the_store_s_key_holds_the_library_that_grades(tmp_path, monkeypatch):
    from tunedrift.reuse import versions
    from tunedrift.verdicts.judges import make_judge

    made = [
        make_judge("j", judge.__file__, None, kind="utility", by=way).store.key
        for way in ("rouge_l", "parses")
    ]
    monkeypatch.setattr(versions, "version", lambda _: "another")
    monkeypatch.setattr(versions.platform, "python_version", lambda: "another")
    after = [
        make_judge("j", judge.__file__, None, kind="utility", by=way).store.key
        for way in ("rouge_l", "parses")
    ]
    assert not set(made) & set(after)
