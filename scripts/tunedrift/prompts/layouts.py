"""How the public suites are published: where a file of each keeps its prompts, and what else it says of them."""

import ast
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunedrift.errors import UserError
from tunedrift.prompts.wrapped import plain_prompts
from tunedrift.sources.rows import Row, blank

Fields = dict[str, Any]
"""What is read of a row, by role (see `suites.COLUMN_ROLES`), and `left_out`: why it is no prompt, though nothing is wrong."""


@dataclass(frozen=True)
class Form:
    """One way in which a suite is published: role → column, and columns beside them by which it is known."""

    columns: dict[str, str]
    beside: tuple[str, ...] = ()

    @property
    def needs(self) -> set[str]:
        """The columns without which a file is not of this form."""
        return {*self.columns.values(), *self.beside}


@dataclass(frozen=True)
class Layout:
    """A public suite: its forms, the kinds of its prompts, and what more its rows say.

    `read` takes a row and the suite's kind and language, and gives fields beside those of the form; None where the row is
    of another kind or language. `complete` changes the fields of all rows at once.
    """

    forms: tuple[Form, ...]
    kinds: tuple[str, ...] = ("harmful",)
    headerless: bool = False  # also published as CSV without column names
    language: str | None = "en"
    read: Callable[[Row, str, str | None], Fields | None] = lambda row, kind, language: {}
    complete: Callable[[list[Fields]], None] = lambda fields: None


UNNAMED = Form({"prompt": "1"})
"""One column of prompts without a header."""

HEX_PHI = (
    *("illegal activity", "child abuse content", "hate, harassment and violence", "malware", "physical harm"),
    *("economic harm", "fraud and deception", "adult content", "political campaigning", "privacy violation"),
    "tailored financial advice",
)
"""What the files category_1 to category_11 ask for (Qi et al. 2023, arXiv 2310.03693)."""

CATQA_LANGUAGES = {"english": "en", "chinese": "zh", "vietnamese": "vi"}

COPYRIGHT = "copyright"
"""The stratum of HarmBench's requests for protected texts."""

UNKNOWN_PLAIN = "plain prompt unknown"


def _hex_phi(row: Row, kind: str, language: str | None) -> Fields:
    """The category, which is the file's name where no column says it."""
    if "category" in row.values:
        return {}
    stem = Path(row.file).name.split(".")[0]
    number = re.fullmatch(r"category_(\d+)", stem)
    known = number and 1 <= int(number[1]) <= len(HEX_PHI)
    return {"category": HEX_PHI[int(number[1]) - 1] if number and known else stem}


def _harmbench(row: Row, kind: str, language: str | None) -> Fields:
    """The context before the behaviour, as HarmBench puts it there in a direct request; and the functional category.

    Whether an answer holds a protected text (tag `hash_check`) HarmBench tells by comparing hashes, which no judge does.
    """
    fields: Fields = {"stratum": row.values["FunctionalCategory"]}
    if "hash_check" in str(row.values["Tags"]):
        fields["stratum"] = COPYRIGHT
    behaviour, context = row.values["Behavior"], row.values["ContextString"]
    if isinstance(behaviour, str) and isinstance(context, str) and not blank(context):
        fields["prompt"] = f"{context.strip()}\n\n---\n\n{behaviour.strip()}"
    return fields


def _xstest(row: Row, kind: str, language: str | None) -> Fields | None:
    """The types of unsafe prompts begin so; where no type is given, the label may say it."""
    told = str(row.values["type"] or row.values.get("label") or "")
    if blank(told):
        return {"left_out": "neither its type nor its label says whether it is safe"}
    own = "harmful" if told.startswith(("contrast_", "unsafe")) else "safe"
    return {} if own == kind else None


def _jailbreakbench(row: Row, kind: str, language: str | None) -> Fields | None:
    """The harmful and the benign behaviours are two files with the same columns."""
    name = Path(row.file).name.lower()
    if "benign" not in name and "harmful" not in name:
        raise UserError(
            f"the name of {row.file} says neither harmful nor benign, by which alone these files differ. Name it as published."
        )
    return {} if kind == ("safe" if "benign" in name else "harmful") else None


def _artifact(row: Row, kind: str, language: str | None) -> Fields:
    return {"left_out": "the attack found no prompt"} if row.values["prompt"] is None else {}


def _multijail(row: Row, kind: str, language: str | None) -> Fields:
    """One language is plain, the others are translations of it. Of several tags the first is the category."""
    texts = {
        column: text
        for column, text in row.values.items()
        if re.fullmatch("[a-z]{2}", column) and column != "id"
    }
    plain = language or "en"
    if plain not in texts:
        raise UserError(f"{row.file} has no prompts in {plain!r}; its languages are {', '.join(texts)}.")
    prompt = texts.pop(plain)
    return {
        "prompt": prompt,
        "language": plain,
        "category": next(iter(_list_of(row.values["tags"])), None),
        "translations": {
            code: text.strip() for code, text in texts.items() if isinstance(text, str) and not blank(text)
        },
    }


def _catqa(row: Row, kind: str, language: str | None) -> Fields | None:
    """The language, which the file's name says."""
    name = Path(row.file).name.lower()
    named = (code for word, code in CATQA_LANGUAGES.items() if word in name or name.startswith(f"{code}-"))
    own = next(named, language)
    return {"language": own} if language in (None, own) else None


def _trustllm(row: Row, kind: str, language: str | None) -> Fields:
    return {"method": ", ".join(_list_of(row.values["label"])) or None}


def _with_plain_prompts(fields: list[Fields]) -> None:
    """Put in each prompt as it was before it was wrapped; where it cannot be told, the wrapped one, and say so."""
    texts = [entry for entry in fields if isinstance(entry.get("asked"), str)]
    wrapped = [(entry["asked"], entry["method"] or "") for entry in texts]
    for entry, plain in zip(texts, plain_prompts(wrapped), strict=True):
        entry["prompt"] = plain or entry["asked"]
        if plain is None:
            entry["category"] = f"{entry['category'] or 'none'} ({UNKNOWN_PLAIN})"


def _list_of(value: object) -> list[str]:
    """The entries of a list, also of one that a CSV file holds as Python writes it; a text is one entry."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        with suppress(ValueError, SyntaxError):
            value = ast.literal_eval(value.strip())
    entries = value if isinstance(value, list) else [value]
    return [str(entry) for entry in entries if entry is not None and not blank(str(entry))]


LAYOUTS = {
    "advbench": Layout(
        (
            UNNAMED,
            Form({"prompt": "goal"}),
            Form({"prompt": "goal"}, ("target",)),
            Form({"prompt": "prompt"}, ("target",)),
        ),
        headerless=True,
    ),
    "hex_phi": Layout(
        (UNNAMED, Form({"prompt": "instruction", "category": "category"})), headerless=True, read=_hex_phi
    ),
    "harmbench": Layout(
        (
            Form(
                {"prompt": "Behavior", "id": "BehaviorID", "category": "SemanticCategory"},
                ("FunctionalCategory", "Tags", "ContextString"),
            ),
        ),
        read=_harmbench,
    ),
    "salad": Layout((Form({"prompt": "question", "id": "qid", "category": "1-category"}),)),
    "salad_attack": Layout(
        (
            Form(
                {
                    "prompt": "baseq",
                    "asked": "augq",
                    "method": "method",
                    "id": "aid",
                    "category": "1-category",
                }
            ),
        )
    ),
    "salad_defence": Layout(
        (
            Form(
                {
                    **{"prompt": "baseq", "asked": "daugq", "method": "dmethod", "id": "did"},
                    "category": "1-category",
                }
            ),
        )
    ),
    "xstest": Layout(
        (
            Form({"prompt": "prompt", "category": "type", "id": "id"}),
            Form({"prompt": "prompt", "category": "type"}, ("focus",)),
        ),
        ("harmful", "safe"),
        read=_xstest,
    ),
    "oktest": Layout((Form({"prompt": "prompt"}),), ("safe",)),
    "do_not_answer": Layout(
        (
            Form(
                {"prompt": "question", "id": "id", "category": "risk_area"},
                ("types_of_harm", "specific_harms"),
            ),
        )
    ),
    "strong_reject": Layout((Form({"prompt": "forbidden_prompt", "category": "category"}, ("source",)),)),
    "beavertails_evaluation": Layout((Form({"prompt": "prompt", "category": "category"}, ("category_id",)),)),
    "jailbreakbench": Layout(
        (
            Form({"prompt": "Goal", "id": "Index", "category": "Category"}, ("Target", "Behavior")),
            Form({"prompt": "goal", "id": "index", "category": "category"}, ("target", "behavior")),
        ),
        ("harmful", "safe"),
        read=_jailbreakbench,
    ),
    "jailbreakbench_artifacts": Layout(
        (
            Form(
                {
                    **{"prompt": "goal", "asked": "prompt", "method": "method"},
                    **{"id": "index", "category": "category"},
                },
                ("behavior",),
            ),
        ),
        read=_artifact,
    ),
    "multijail": Layout((Form({"id": "id"}, ("source", "tags", "en")),), language=None, read=_multijail),
    "catqa": Layout(
        (
            Form({"prompt": "question", "category": "category"}, ("subcategory",)),
            Form({"prompt": "Question", "category": "Category"}, ("Subcategory",)),
            Form({"prompt": "prompt", "category": "category"}, ("subcategory",)),
        ),
        language=None,
        read=_catqa,
    ),
    "trustllm": Layout(
        (Form({"asked": "prompt", "category": "source"}, ("label",)),),
        read=_trustllm,
        complete=_with_plain_prompts,
    ),
}
"""Layout by name."""

COLUMNS = {
    column
    for layout in LAYOUTS.values()
    for form in layout.forms
    for column in form.needs
    if form is not UNNAMED
}
"""What the first field of a CSV file with column names can be."""
