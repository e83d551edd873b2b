"""Each public suite's layout, by tiny files of our own."""

import csv
import io
import json
from pathlib import Path

import polars as pl
import pytest

from tunedrift.errors import UserError
from tunedrift.prompts import fields
from tunedrift.prompts.layouts import LAYOUTS
from tunedrift.prompts.suites import read_prompts
from tunedrift.sources.reading import read_rows
from tunedrift.study.study import Study

ROOT = Path(__file__).parents[3]
HARMBENCH = "Behavior,FunctionalCategory,SemanticCategory,Tags,ContextString,BehaviorID"
SALAD = {"1-category": "O1: Noise", "2-category": "O2: Loud", "3-category": "O3: Louder"}
MULTIJAIL = "id,source,tags,en,zh,sw"


def table(header, *rows):
    text = io.StringIO()
    csv.writer(text).writerows([header.split(","), *rows] if header else rows)
    return text.getvalue()


FILES = {
    "advbench": {"a.csv": table("goal,target", ["Wake the cat", "Sure, here is"], ["Hide the tea", "Sure"])},
    "hex_phi": {
        "category_4.csv": table("", ["Wake the cat, and the dog"], ["Hide the tea"]),
        "category_11.csv": table("", ["Sell the kettle"]),
    },
    "harmbench": {
        "h.csv": table(
            HARMBENCH,
            ["Wake the cat", "standard", "illegal", "", "", "wake_cat"],
            ["Sum up the text", "contextual", "harmful", "context", "Cats sleep.\n", "sum_text"],
            ["Sing the song", "copyright", "copyright", "lyrics, hash_check", "", "sing"],
        )
    },
    "salad": {"s.json": json.dumps([{"qid": 7, "question": "Wake the cat?", "source": "x", **SALAD}])},
    "salad_attack": {
        "s.json": json.dumps(
            [
                {"qid": 7, "aid": a, "baseq": "Wake the cat?", "augq": f"{m}: cat", "method": m, **SALAD}
                for a, m in enumerate(["role", "code"])
            ]
        )
    },
    "salad_defence": {
        "s.json": json.dumps(
            [{"qid": 7, "did": 3, "baseq": "Wake?", "daugq": "Kindly: wake?", "dmethod": "kind", **SALAD}]
        )
    },
    "xstest": {
        "x.csv": table(
            "id,prompt,type,label,focus,note",
            ["1", "How do I kill time?", "homonyms", "safe", "kill", ""],
            ["2", "How do I wake a cat?", "contrast_homonyms", "unsafe", "wake", ""],
        )
    },
    "oktest": {"OKTest.csv": table("prompt", ["How do I crash on a sofa?"])},
    "do_not_answer": {
        "d.csv": table(
            "id,risk_area,types_of_harm,specific_harms,question,GPT4_response",
            ["0", "Noise", "Loud", "Louder", "How do I wake a cat?", "No."],
        )
    },
    "strong_reject": {"s.csv": table("category,source,forbidden_prompt", ["Noise", "custom", "Wake the cat"])},
    "beavertails_evaluation": {
        "b.json": json.dumps([{"prompt": "Wake the cat?", "category": "noise", "category_id": 3}])
    },
    "jailbreakbench": {
        "harmful-behaviors.csv": table(
            "Index,Goal,Target,Behavior,Category,Source", ["0", "Wake the cat", "Sure", "Waking", "Noise", "x"]
        ),
        "benign-behaviors.csv": table(
            "Index,Goal,Target,Behavior,Category,Source", ["0", "Pet the cat", "Sure", "Petting", "Noise", "x"]
        ),
    },
    "jailbreakbench_artifacts": {
        f"{method}/m.json": json.dumps(
            {
                "parameters": {"method": method, "model": "m", "method_parameters": {}},
                "jailbreaks": [
                    {
                        **{"index": n, "goal": f"Wake cat {n}", "behavior": "Waking", "category": "Noise"},
                        **{"prompt": put, "response": "No.", "jailbroken": False},
                    }
                    for n, put in enumerate([f"{method}: wake", None])
                ],
            }
        )
        for method in ("PAIR", "GCG")
    },
    "multijail": {
        "m.csv": "\ufeff" + table(MULTIJAIL, ["0", "x", "['Noise, loud', 'Cats']", "Wake the cat", "叫醒猫", "Amsha paka"])
    },
    "catqa": {
        f"catqa_{language}.json": json.dumps({"Noise": {"Loud": [f"{w} 1", f"{w} 2"], "Soft": [f"{w} 3"]}, "Tea": {"Hot": [f"{w} 4"]}})
        for language, w in (("english", "Wake"), ("chinese", "叫醒"), ("vietnamese", "Dậy"))
    },
    "trustllm": {
        "t.json": json.dumps(
            [
                {"prompt": "Wake the cat\nThink it step by step.", "label": ["cot"], "source": "ITC"},
                {"prompt": "Wake%20the%20cat%0A", "label": ["url_encode"], "source": "QBB"},
                {"prompt": "A way that nobody knows", "label": ["new"], "source": "QBB"},
            ]
        )
    },
}  # fmt: skip


def load(folder, layout, kind="harmful", files=None, **settings):
    for name, text in (files or FILES[layout]).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    header = not fields.maybe_headerless(layout)
    rows = read_rows([f"{folder}/**/*.*"], header=header, in_object=fields.in_object)
    return read_prompts(rows, suite="s", kind=kind, layout=layout, max_rejected=0.5, **settings)


def read(*args, **settings):
    return load(*args, **settings)[0]


def of(prompts, *roles):
    return [tuple(prompt[role] for role in roles) for prompt in prompts]


def test_every_layout_is_tried_here_and_named_in_the_schema():
    from tunedrift.sources.yaml_files import read_yaml

    suites = read_yaml(ROOT / "config/schema.yaml")["properties"]["suites"]["additionalProperties"]
    assert FILES.keys() == LAYOUTS.keys()
    assert suites["properties"]["layout"]["enum"] == [None, *LAYOUTS]


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "oktest"])
def test_the_prompts_of_a_layout_are_its_own_alone(tmp_path, layout):
    prompts = read(tmp_path, layout)
    assert all("cat" in p["prompt"] or layout in ("hex_phi", "advbench", "harmbench", "salad_defence", "catqa", "trustllm") for p in prompts)  # fmt: skip
    assert all(len(prompt["plain_id"]) > 0 for prompt in prompts)
    assert all(prompt.keys() == prompts[0].keys() for prompt in prompts)


def test_advbench_is_read_with_and_without_header(tmp_path):
    with_header = read(tmp_path / "a", "advbench")
    files = {"a.csv": table("", ["Wake the cat"], ["Hide the tea"])}
    without = read(tmp_path / "b", "advbench", files=files)
    hub = read(tmp_path / "c", "advbench", files={"a.csv": table("prompt,target", ["Wake the cat", "Sure"], ["Hide the tea", ""])})  # fmt: skip
    bom = read(tmp_path / "d", "advbench", files={"a.csv": "\ufeff" + files["a.csv"]})
    assert of(with_header, "prompt", "language") == [("Wake the cat", "en"), ("Hide the tea", "en")]
    assert with_header == without == hub == bom


def test_rows_behind_a_header_have_the_same_numbers_in_both_readings(tmp_path):
    files = {"a.csv": table("goal,target", ["Wake the cat", "Sure"], ["Wake the cat", "Sure"])}
    assert [(reject.row, reject.reason) for reject in load(tmp_path, "advbench", files=files)[1]] == [
        (2, "the same prompt as row 1 of a.csv")
    ]


def test_hex_phi_has_a_file_per_category_or_a_column(tmp_path):
    assert of(read(tmp_path / "a", "hex_phi"), "prompt", "category") == [
        ("Sell the kettle", "tailored financial advice"),
        ("Wake the cat, and the dog", "malware"),
        ("Hide the tea", "malware"),
    ]
    odd = {"category_12.csv": table("", ["Wake"]), "mine.csv": table("", ["Hide"])}
    assert of(read(tmp_path / "b", "hex_phi", files=odd), "category") == [("category_12",), ("mine",)]
    lines = {
        "h.jsonl": '{"instruction": "Wake", "category": "Noise"}\n{"instruction": "Hide", "category": "Tea"}\n'
    }
    assert of(read(tmp_path / "c", "hex_phi", files=lines), "category") == [("Noise",), ("Tea",)]


def test_harmbench_puts_the_context_first_and_marks_protected_texts(tmp_path):
    prompts = read(tmp_path, "harmbench")
    assert of(prompts, "plain_id", "prompt", "category", "stratum") == [
        ("wake_cat", "Wake the cat", "illegal", "standard"),
        ("sum_text", "Cats sleep.\n\n---\n\nSum up the text", "harmful", "contextual"),
        ("sing", "Sing the song", "copyright", "copyright"),
    ]
    [said] = fields.remarks("harmbench", prompts)
    assert said.startswith("1 prompts ask for protected texts.")


@pytest.mark.parametrize(
    ("layout", "found"),
    [
        (
            "salad_attack",
            [("0", "Wake the cat?", "role: cat", "role"), ("1", "Wake the cat?", "code: cat", "code")],
        ),
        ("salad_defence", [("3", "Wake?", "Kindly: wake?", "kind")]),
        ("salad", [("7", "Wake the cat?", None, None)]),
    ],
)
def test_of_salad_the_model_is_put_the_attacked_prompt_and_the_judge_sees_the_base(tmp_path, layout, found):
    prompts = read(tmp_path, layout)
    assert of(prompts, "plain_id", "prompt", "asked", "method") == found
    assert {prompt["category"] for prompt in prompts} == {"O1: Noise"}


@pytest.mark.parametrize(
    ("layout", "safe", "harmful"),
    [
        ("xstest", "How do I kill time?", "How do I wake a cat?"),
        ("jailbreakbench", "Pet the cat", "Wake the cat"),
    ],
)
def test_the_suites_kind_takes_its_prompts_of_both(tmp_path, layout, safe, harmful):
    assert of(read(tmp_path, layout, "safe"), "prompt") == [(safe,)]
    assert of(read(tmp_path, layout, "harmful"), "prompt") == [(harmful,)]


def test_files_that_differ_by_their_names_alone_must_bear_them(tmp_path):
    harmful = FILES["jailbreakbench"]["harmful-behaviors.csv"]
    with pytest.raises(UserError, match=r"s: the name of mine\.csv says neither harmful nor benign"):
        read(tmp_path / "a", "jailbreakbench", "safe", files={"mine.csv": harmful})
    lower = {"harmful.csv": harmful.lower()}
    assert of(read(tmp_path / "b", "jailbreakbench", files=lower), "prompt", "plain_id") == [
        ("wake the cat", "0")
    ]
    with pytest.raises(UserError, match="looks like layout jailbreakbench"):
        read(tmp_path / "c", "advbench", files=lower)


def test_a_protected_text_is_marked_by_its_tag_whatever_the_category_says(tmp_path):
    row = ["Sing the song", "standard", "illegal", "lyrics, hash_check", "", "sing"]
    assert of(read(tmp_path, "harmbench", files={"h.csv": table(HARMBENCH, row)}), "stratum") == [
        ("copyright",)
    ]


def test_xstest_is_read_without_numbers_too(tmp_path):
    files = {
        "x.csv": table(
            "prompt,focus,type,note,label", ["How do I kill time?", "kill", "homonyms", "", "safe"]
        )
    }
    assert of(read(tmp_path, "xstest", "safe", files=files), "prompt", "category") == [
        ("How do I kill time?", "homonyms")
    ]


def test_a_row_of_xstest_without_a_type_is_told_by_its_label_or_left_out(tmp_path):
    rows = [
        {"id": n, "prompt": f"q{n}", "type": None, "label": label}
        for n, label in enumerate(["unsafe", "safe", None])
    ]
    prompts, rejects = load(tmp_path, "xstest", files={"x.json": json.dumps(rows)})
    assert of(prompts, "prompt") == [("q0",)]
    assert [(reject.row, reject.reason.split()[0]) for reject in rejects] == [(3, "neither")]


def test_an_attack_that_found_no_prompt_is_left_out_and_counts_as_no_fault(tmp_path):
    prompts, rejects = load(tmp_path, "jailbreakbench_artifacts")
    assert of(prompts, "prompt", "asked", "method", "category") == [
        ("Wake cat 0", "GCG: wake", "GCG", "Noise"),
        ("Wake cat 0", "PAIR: wake", "PAIR", "Noise"),
    ]
    assert [reject.reason for reject in rejects] == ["the attack found no prompt"] * 2
    assert len({prompt["plain_id"] for prompt in prompts}) == 2


def test_multijail_has_one_plain_language_and_translations(tmp_path):
    [english] = read(tmp_path, "multijail")
    [swahili] = read(tmp_path, "multijail", language="sw")
    assert (english["prompt"], english["language"], english["category"]) == (
        "Wake the cat",
        "en",
        "Noise, loud",
    )
    assert english["translations"] == {"zh": "叫醒猫", "sw": "Amsha paka"}
    assert (swahili["prompt"], swahili["language"], swahili["plain_id"]) == ("Amsha paka", "sw", "0")
    assert swahili["translations"].keys() == {"en", "zh"}
    with pytest.raises(UserError, match=r"s: m\.csv has no prompts in 'fr'; its languages are en, zh, sw"):
        read(tmp_path, "multijail", language="fr")


def test_catqa_is_a_tree_whose_language_its_name_says(tmp_path):
    assert len(read(tmp_path, "catqa")) == 12
    chinese = read(tmp_path, "catqa", language="zh")
    assert of(chinese, "prompt", "category", "language") == [
        ("叫醒 1", "Noise", "zh"),
        ("叫醒 2", "Noise", "zh"),
        ("叫醒 3", "Noise", "zh"),
        ("叫醒 4", "Tea", "zh"),
    ]
    rows = {"catqa_english.json": '{"Category": "Noise", "Subcategory": "Loud", "Question": "Wake"}\n'}
    assert of(read(tmp_path / "rows", "catqa", files=rows), "prompt", "category", "language") == [
        ("Wake", "Noise", "en")
    ]


def test_of_trustllm_the_plain_prompt_is_told_or_said_to_be_unknown(tmp_path):
    prompts = read(tmp_path, "trustllm")
    assert of(prompts, "prompt", "asked", "method", "stratum", "category") == [
        ("Wake the cat", "Wake the cat\nThink it step by step.", "cot", "cot", "ITC"),
        ("Wake the cat", "Wake%20the%20cat%0A", "url_encode", "url_encode", "QBB"),
        ("A way that nobody knows", "A way that nobody knows", "new", "new", "QBB (plain prompt unknown)"),
    ]
    [said] = fields.remarks("trustllm", prompts)
    assert said.startswith("1 of 3 prompts are known as they are wrapped alone")


def test_parquet_files_are_read_like_the_others(tmp_path):
    rows = json.loads(FILES["trustllm"]["t.json"])
    pl.DataFrame(rows).write_parquet(tmp_path / "t.parquet")
    found = read_rows([str(tmp_path / "t.parquet")], in_object=fields.in_object)
    prompts, _ = read_prompts(found, suite="s", kind="harmful", layout="trustllm")
    assert prompts == read(tmp_path / "json", "trustllm")


WRONG = {
    "another suite": ("harmbench", "strong_reject", "looks like layout strong_reject"),
    "a suite with more columns": ("oktest", "xstest", "is not of layout oktest.*looks like layout xstest"),
    "attacked prompts": ("salad", "salad_attack", "looks like layout salad_attack"),
    "base prompts": ("salad_attack", "salad", "looks like layout salad.$"),
    "artifacts": ("jailbreakbench", "jailbreakbench_artifacts", "looks like layout jailbreakbench_artifacts"),
    "a tree": ("xstest", "catqa", "looks like layout catqa"),
    "a header where there may be none": ("hex_phi", "xstest", "looks like layout xstest"),
    "no header": ("harmbench", "no header", "a file without column names: layouts advbench and hex_phi"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_file_of_another_layout_is_said_to_look_like_it(tmp_path, case):
    named, given, message = WRONG[case]
    kind = "safe" if named == "oktest" else "harmful"
    with pytest.raises(UserError, match=message):
        read(tmp_path, named, kind, files=FILES.get(given) or {"a.csv": table("", ["Wake the cat"], ["Nap"])})


@pytest.mark.parametrize(
    ("layout", "kind", "settings", "message"),
    [
        (
            "harmbench",
            "safe",
            {},
            "prompts of layout harmbench are harmful, not safe. Correct kind or layout",
        ),
        ("oktest", "harmful", {}, "prompts of layout oktest are safe, not harmful"),
        ("xstest", "utility", {}, "prompts of layout xstest are harmful or safe, not utility"),
        ("xstest", "safe", {"mapping": {"prompt": "prompt"}}, "take out either columns or layout"),
        ("xstest", "safe", {"keep": {"lable": "safe"}}, "has no column 'lable'"),
        ("catqa", "harmful", {"language": "fr"}, "none of its rows is harmful, in 'fr'"),
    ],
)
def test_settings_that_do_not_fit_a_layout_are_explained(tmp_path, layout, kind, settings, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, layout, kind, **settings)


def test_a_column_of_the_file_can_choose_rows_of_a_layout(tmp_path):
    keep = {"FunctionalCategory": "standard"}
    assert of(read(tmp_path, "harmbench", keep=keep), "plain_id") == [("wake_cat",)]


@pytest.mark.parametrize("name", ["paper", "laptop"])
def test_the_studies_that_ship_name_layouts_that_are_known(name, monkeypatch):
    from tunedrift.sources.yaml_files import read_yaml

    monkeypatch.chdir(ROOT)
    study = Study(read_yaml(ROOT / f"config/studies/{name}.yaml"), ROOT / "config/schema.yaml")
    for suite in study["suites"].values():
        layout = suite["layout"]
        assert layout is None or suite["kind"] in LAYOUTS[layout].kinds
