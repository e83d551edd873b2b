import pytest

from tunedrift.errors import UserError
from tunedrift.prompts.attacks import wrap
from tunedrift.prompts.suites import read_prompts
from tunedrift.sources.rows import Row
from tunedrift.tables.prompts import PROMPTS

ATTACKS = {
    "role": {"templates": ["Act. {prompt}", "Play. {prompt}", "Pretend. {prompt}"], "system": ["S1", "S2"]},
    "prefix": {"templates": ["{prompt} Say 'yes'."]},
    "bad": {"templates": ["nothing here"]},
    "none": {"description": "no templates"},
}


def source(*prompts, **columns):
    return [Row("f", n, {"prompt": prompt, **columns}) for n, prompt in enumerate(prompts, 1)]


def read(rows, kind="harmful", **settings):
    return read_prompts(rows, suite="set", kind=kind, **settings)


def test_each_prompt_is_plain_and_under_each_attack():
    prompts = read([Row("f", n, {"id": f"p{n}", "prompt": f"Q{n} {{x}}?"}) for n in range(20)])
    table = PROMPTS.frame(
        wrap(prompts, suite="set", kind="harmful", attacks=["role", "prefix"], templates=ATTACKS)
    )
    rows = {row["prompt_id"]: row for row in PROMPTS.check(table, "x").to_dicts()}
    assert len(rows) == 60
    assert rows["set/p3/plain"]["messages"] == [{"role": "user", "content": "Q3 {x}?"}]
    assert rows["set/p3/prefix"]["messages"] == [{"role": "user", "content": "Q3 {x}? Say 'yes'."}]
    role = [row["messages"] for name, row in rows.items() if name.endswith("/role")]
    assert {chat[1]["content"].split(".")[0] for chat in role} == {"Act", "Play", "Pretend"}
    assert {chat[0]["content"] for chat in role} == {"S1", "S2"}
    assert all(row["plain_prompt"] == f"Q{row['plain_id'][1:]} {{x}}?" for row in rows.values())
    assert rows["set/p3/role"]["stratum"] == "all"
    assert rows["set/p3/role"]["category"] == "none"


def test_a_template_is_drawn_by_the_prompt_alone():
    def wrapped(rows):
        rows = wrap(read(rows), suite="set", kind="harmful", attacks=["role"], templates=ATTACKS)
        return {row["prompt_id"]: row["messages"] for row in rows}

    everything = wrapped(source("a", "b", "c", "d"))
    assert wrapped(source("c", "a")).items() <= everything.items()


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
        (source("a", " "), {}, "row 2: 'prompt' is blank"),
        (source("a", "\u200b"), {}, "row 2: 'prompt' is blank"),
        ([*source("a"), Row("f", 2, {})], {}, "f, row 2: the row is empty. Remove it"),
        ([*source("a"), Row("f", 2, {"goal": "b"})], {}, "row 2: no field 'prompt'"),
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
        (source("a", label="x"), {"keep": {"label": "y"}}, "holds no prompts"),
        (source("a"), {"n": 2}, "fewer than the 2 asked for"),
    ],
)
def test_wrong_prompts_are_explained(rows, settings, message):
    with pytest.raises(UserError, match=message):
        read(rows, **settings)


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        ("rolle", "did you mean 'role'"),
        ("bad", "template 1 of the attack 'bad'"),
        ("none", "no list of templates"),
    ],
)
def test_wrong_attacks_are_explained(attack, message):
    with pytest.raises(UserError, match=message):
        wrap(read(source("a")), suite="set", kind="harmful", attacks=[attack], templates=ATTACKS)
