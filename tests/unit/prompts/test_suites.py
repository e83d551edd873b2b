import pytest

from tunedrift.errors import UserError
from tunedrift.prompts.suites import read_prompts
from tunedrift.sources.rows import Reject, Row


def source(*prompts, **columns):
    return [Row("f", n, {"prompt": prompt, **columns}) for n, prompt in enumerate(prompts, 1)]


def read(rows, kind="harmful", **settings):
    return read_prompts(rows, suite="set", kind=kind, **settings)[0]


def test_columns_are_mapped_kept_and_joined():
    rows = [
        Row("f", n, {"Q": f"q{n}", "label": label, "more": more, "words": ["w", "v"], "kind": "k", "n": n})
        for n, (label, more) in enumerate([("safe", ""), ("unsafe", ""), ("safe", "text")])
    ]
    columns = {"prompt": "Q", "id": "n", "context": "more", "reference": "words", "stratum": "kind"}
    prompts = read(rows, kind="utility", mapping=columns, keep={"label": "safe"})
    assert [prompt["prompt"] for prompt in prompts] == ["q0", "text\n\nq2"]
    assert [prompt["plain_id"] for prompt in prompts] == ["0", "2"]
    assert prompts[0]["reference"] == ["w", "v"]
    assert prompts[0]["stratum"] == "k"


def test_without_ids_repeats_are_dropped_and_n_is_drawn_by_content():
    assert len(read(source("a", "a", "b"))) == 2
    names = [f"p{n}" for n in range(20)]
    drawn = {prompt["prompt"] for prompt in read(source(*names), n=5, seed=1)}
    assert drawn == {prompt["prompt"] for prompt in read(source(*names[::-1]), n=5, seed=1)}
    assert len(drawn) == 5
    assert drawn != {prompt["prompt"] for prompt in read(source(*names), n=5, seed=2)}


def test_one_id_may_stand_for_many_prompts():
    rows = [*source("a", "b", "a", id="x"), *source("c", id="y")]
    ids = {prompt["prompt"]: prompt["plain_id"] for prompt in read(rows)}
    assert sorted(plain_id[:2] for plain_id in ids.values()) == ["x#", "x#", "y"]
    assert len(set(ids.values())) == 3
    assert {prompt["prompt"]: prompt["plain_id"] for prompt in read(rows[::-1])} == ids


def test_rows_that_cannot_be_used_are_named_and_the_rest_is_kept():
    rows = [*source(*(f"p{n}" for n in range(97)), None, "  "), Row("g", 1, {})]
    prompts, rejects = read_prompts(rows, suite="set", kind="harmful")
    assert len(prompts) == 97
    assert rejects == [
        Reject("f", 98, "'prompt' is null"),
        Reject("f", 99, "'prompt' is blank"),
        Reject("g", 1, "the row is empty"),
    ]
    with pytest.raises(UserError, match="set: 3 of 100 prompts are unusable, more than the share"):
        read(rows, max_rejected=0.02)


@pytest.mark.parametrize("again", ["Who drank tea in Düsseldorf?", "Who  drank tea\nin Du\u0308sseldorf?\t"])
def test_a_prompt_under_two_ids_counts_once_and_both_rows_are_named(again):
    rows = [
        Row("f", 1, {"id": "x", "prompt": "Who drank tea in Düsseldorf?"}),
        Row("f", 2, {"id": "y", "prompt": "Who drank tea in Düren?"}),
        Row("g", 1, {"id": "z", "prompt": again, "category": "another"}),
    ]
    prompts, rejects = read_prompts(rows, suite="set", kind="harmful")
    assert [prompt["plain_id"] for prompt in prompts] == ["x", "y"]
    assert rejects == [Reject("g", 1, "the same prompt as row 1 of f")]


def test_a_prompt_that_is_attacked_already_keeps_its_plain_one():
    rows = [
        Row("f", n, {"base": "How do I nap?", "put": f"{way}: nap!", "way": way, "lang": "SW"})
        for n, way in enumerate(["role", "code", "role"], 1)
    ]
    mapping = {"prompt": "base", "asked": "put", "method": "way", "language": "lang"}
    prompts, rejects = read_prompts(rows, suite="set", kind="harmful", mapping=mapping)
    assert [
        (prompt["prompt"], prompt["asked"], prompt["method"], prompt["stratum"]) for prompt in prompts
    ] == [
        ("How do I nap?", "role: nap!", "role", "role"),
        ("How do I nap?", "code: nap!", "code", "code"),
    ]
    assert len({prompt["plain_id"] for prompt in prompts}) == 2
    assert {prompt["language"] for prompt in prompts} == {"sw"}
    assert [reject.row for reject in rejects] == [3]
    with pytest.raises(UserError, match="row 4 of f: 'asked' is null"):
        read([*rows, Row("f", 4, {"base": "b", "put": None, "way": "role", "lang": "sw"})], mapping=mapping)


def test_a_column_that_happens_to_be_called_asked_is_not_put_to_the_model():
    [prompt] = read(source("a", asked="2023-01-01", method="by phone", language="English"), language="en")
    assert (prompt["asked"], prompt["method"], prompt["stratum"]) == (None, None, "all")
    assert (prompt["language"], prompt["translations"]) == ("en", {})


@pytest.mark.parametrize("without", [{}, {"text": None}, {"text": ""}, {"text": " "}, {"text": "\u200b"}])
def test_a_column_may_stand_in_some_rows_alone(without):
    rows = [
        Row("f", 1, {"prompt": "a", **without}),
        Row("g", 1, {"prompt": "b", "text": "T", "kind": "k", "label": "y"}),
    ]
    mapping = {"context": "text", "stratum": "kind"}
    prompts = read(rows, mapping=mapping)
    assert [(prompt["prompt"], prompt["stratum"]) for prompt in prompts] == [("a", "all"), ("T\n\nb", "k")]
    assert [prompt["prompt"] for prompt in read(rows, mapping=mapping, keep={"label": "y"})] == ["T\n\nb"]


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        (source("a", " "), {}, "set: 1 of 2 prompts are unusable.* row 2 of f: 'prompt' is blank"),
        (source("a", "\u200b"), {}, "row 2 of f: 'prompt' is blank"),
        (source("a", None), {}, "row 2 of f: 'prompt' is null. Correct the rows, or raise max_rejected"),
        ([*source("a"), Row("f", 2, {})], {}, "row 2 of f: the row is empty"),
        ([*source("a"), Row("f", 2, {"goal": "b"})], {}, "row 2 of f: no field 'prompt'"),
        (source("a"), {"mapping": {"context": "text"}}, "no column 'text'; its columns are 'prompt'"),
        (source("a"), {"keep": {"label": "y"}}, "no column 'label'; its columns are 'prompt'"),
        (source("a"), {"mapping": {"prompt": "goal"}}, "no column 'goal'; its columns are 'prompt'"),
        (source("a"), {"mapping": {"promt": "prompt"}}, "did you mean 'prompt'"),
        (source("a"), {"kind": "utility"}, "row 1: a utility prompt needs"),
        (
            source("a", reference="+"),
            {"kind": "utility"},
            "row 1: the reference '\\+' has neither a word nor",
        ),
        (source("a", reference=["12", " \u200b"]), {"kind": "utility"}, "neither a word nor a number"),
        (
            source("a", label="x"),
            {"keep": {"label": "y"}},
            "holds no prompts: none of its rows is .*'label': 'y'",
        ),
        ([Row("f", 1, {"How do I wash a cup?": "b"})], {}, "looks like a file without column names"),
        ([Row("f", 1, {"Behavior": "b"})], {}, "no column 'prompt'; its columns are 'Behavior'.$"),
        (
            [Row("f", 1, {"forbidden_prompt": "b", "category": "c", "source": "s"})],
            {},
            "looks like layout strong",
        ),
        (
            source("a", reference={"text": "x"}),
            {"kind": "utility"},
            "row 1: the reference {'text': 'x'} is neither a text",
        ),
        (
            source("a", reference=["x", None]),
            {"kind": "utility"},
            "the reference None is neither a text nor a number",
        ),
        (source("a", reference=[["x"]]), {"kind": "utility"}, r"the reference \['x'\] is neither"),
        (source("a", reference=True), {"kind": "utility"}, "the reference True is neither"),
        (source("a"), {"n": 2}, "fewer than the 2 asked for"),
    ],
)
def test_wrong_prompts_are_explained(rows, settings, message):
    with pytest.raises(UserError, match=message):
        read(rows, **settings)
