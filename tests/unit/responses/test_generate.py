"""The program that answers: what an answer is reused for."""

from pathlib import Path

import generate
import polars as pl
import pytest
import tiny

from tunedrift.models import description, loading
from tunedrift.responses import generation
from tunedrift.reuse.versions import precisions
from tunedrift.tables.contents import SUITES, contents
from tunedrift.tables.prompts import PROMPTS

QUESTIONS = ["How do I plant a tree?", "France?"]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Answers two prompts, so many side by side, and says how many answers were computed."""
    monkeypatch.chdir(tmp_path)
    model_json = tiny.save_chat_model(tmp_path / "tiny")
    rows = [
        {**dict.fromkeys(PROMPTS.columns, text), "kind": "safe", "attack": "plain", "reference": None}
        | {"messages": [{"role": "user", "content": text}]}
        for text in QUESTIONS
    ]
    PROMPTS.write(pl.DataFrame(rows, schema=PROMPTS.columns), "prompts.parquet")

    def run(batch_size, *more):
        words = (
            f"--model {model_json} --model-name tiny --tuning untuned --prompts prompts.parquet --store store"
        )
        words += f" --max-new-tokens 4 --out out.parquet --batch-size {batch_size}"
        generate.main(generate.parser().parse_args([*words.split(), *more]))
        return capsys.readouterr().out

    return run


def test_in_float32_answers_are_reused_whatever_was_made_beside_them(run):
    assert "2 answers, 2 computed" in run(1)
    assert "2 answers, 0 computed" in run(2)
    assert precisions(["out.parquet"]) == []


def test_in_half_precision_those_made_side_by_side_in_other_numbers_are_others(run, monkeypatch):
    monkeypatch.setattr(loading, "precision", lambda _: "bfloat16")
    assert "2 answers, 2 computed" in run(1)
    assert "2 answers, 2 computed" in run(2)
    assert "2 answers, 0 computed" in run(2)
    assert precisions(["out.parquet"]) == ["bfloat16"]


def test_the_answers_say_which_version_of_the_suites_was_asked(run):
    run(1)
    assert (
        contents(PROMPTS.read("prompts.parquet"), SUITES).items()
        <= pl.read_parquet_metadata("out.parquet").items()
    )


def test_what_closes_a_turn_of_the_tuning_is_a_stop_under_another_template_too(run, monkeypatch):
    own = "{% for m in messages %}{{ m['role'] ~ ': ' ~ m['content'] ~ '<|im_start|>' }}{% endfor %}"
    Path("tiny/chat_template.jinja").write_text(own + "{% if add_generation_prompt %}assistant: {% endif %}")
    description.write_description("tiny", "tiny/model.json", name="tiny", kind="embedded", location=".")
    Path("other.jinja").write_text(tiny.CHATML)
    given, answer = [], generation.generate
    monkeypatch.setattr(
        generation, "generate", lambda *words, **options: given.append(options) or answer(*words, **options)
    )
    run(2, "--template", "other.jinja")
    closing = tiny.tokenizer().convert_tokens_to_ids("<|im_start|>")
    assert [options.get("closings") for options in given] == [{closing}]
