"""From rows of files to what a suite's layout says of each: which files are of a layout, and which they look like."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from tunedrift.errors import UserError, unknown
from tunedrift.prompts.layouts import (
    COLUMNS,
    COPYRIGHT,
    LAYOUTS,
    UNKNOWN_PLAIN,
    UNNAMED,
    Fields,
    Form,
)
from tunedrift.sources.rows import Row, columns_of


def in_object(content: dict) -> list | None:
    """The rows in a JSON object that a public suite is published as; None for any other object.

    Of JailbreakBench's artifacts each jailbreak, with the method that its file names; of a tree of headings (CatQA) each
    question, with the headings above it.
    """
    jailbreaks, parameters = content.get("jailbreaks"), content.get("parameters")
    if isinstance(jailbreaks, list) and isinstance(parameters, dict):
        method = parameters.get("method")
        return [{"method": method, **row} if isinstance(row, dict) else row for row in jailbreaks]
    branches = list(content.values())
    if branches and all(isinstance(branch, dict) and branch for branch in branches):
        found = [
            {"category": category, "subcategory": subcategory, "question": question}
            for category, branch in content.items()
            for subcategory, questions in branch.items()
            for question in (questions if isinstance(questions, list) else [questions])
        ]
        if all(row["question"] is None or isinstance(row["question"], str) for row in found) and any(
            isinstance(questions, list) for branch in branches for questions in branch.values()
        ):
            return found
    return None


def maybe_headerless(layout: str | None) -> bool:
    """Whether a layout is published with and without column names: `named_columns` then looks which a file is."""
    return layout in LAYOUTS and LAYOUTS[layout].headerless


def named_columns(rows: list[Row]) -> Iterator[Row]:
    """Rows of files that were read without header; where the first holds column names of a suite, under those names."""
    for _, group in groupby(rows, key=lambda row: row.file):
        of_file = list(group)
        first = of_file[0].values
        if not (first and set(first) == set(map(str, range(1, len(first) + 1)))):
            yield from of_file
            continue
        names = [str(value).strip() for value in first.values()]
        if len(names) == 1 and names[0] not in COLUMNS:
            yield from of_file
            continue
        for row in of_file[1:]:
            yield Row(row.file, row.number - 1, dict(zip(names, row.values.values(), strict=True)))


def form_of(layout: str, columns: Iterable[str]) -> Form | None:
    """The form of a layout that a file with these columns has, the one that needs most of them; None for no form."""
    fitting = [form for form in LAYOUTS[layout].forms if form.needs <= set(columns)]
    return max(fitting, key=lambda form: len(form.needs), default=None)


def looks_like(columns: Iterable[str]) -> str | None:
    """The layout whose form needs most of these columns; None where none fits."""
    columns = list(columns)
    needed = {name: len(form.needs) for name in LAYOUTS if (form := form_of(name, columns))}
    return max(needed, key=lambda name: needed[name], default=None)


def hint(columns: Iterable[str]) -> str:
    """What a file with these columns looks like, as a sentence; empty where nothing is known."""
    columns = list(columns)
    if len(columns) == 1 and len(columns[0].split()) > 2:
        return " It looks like a file without column names: layouts advbench and hex_phi read such files, and `header: false` does."
    layout = looks_like(columns)
    return f" It looks like layout {layout}." if layout else ""


def read_fields(
    rows: list[Row], layout: str, *, kind: str, language: str | None, where: str
) -> list[tuple[Row, Fields]]:
    """The rows that are prompts of the kind and language, with what the layout says of each; an empty row has no fields.

    Raises `UserError` for a kind that the layout has no prompts of, or a file that is not of the layout.
    """
    if layout not in LAYOUTS:
        raise UserError(f"{where}: {unknown('layout', layout, LAYOUTS)}")
    own = LAYOUTS[layout]
    if kind not in own.kinds:
        raise UserError(
            f"{where}: prompts of layout {layout} are {' or '.join(own.kinds)}, not {kind}. Correct kind or layout."
        )
    found: list[tuple[Row, Fields]] = []
    for file, group in groupby(rows, key=lambda row: row.file):
        of_file = list(group)
        form = _form(layout, list(columns_of(of_file)), f"{where}: {file}")
        for row in of_file:
            if not row.values:
                found.append((row, {}))
                continue
            # A row may lack a column that other rows of its file have.
            whole = Row(row.file, row.number, {**dict.fromkeys(form.needs), **row.values})
            try:
                more = own.read(whole, kind, language)
            except UserError as error:
                raise UserError(f"{where}: {error}") from error
            if more is not None:
                fields = {role: whole.values[column] for role, column in form.columns.items()}
                found.append((row, {"language": language or own.language, **fields, **more}))
    own.complete([fields for _, fields in found])
    return found


def _form(layout: str, columns: list[str], where: str) -> Form:
    form, likely = form_of(layout, columns), looks_like(columns)
    other = form_of(likely, columns) if likely else None
    if form and not (other and form.needs < other.needs):
        return form
    forms = LAYOUTS[layout].forms
    needs = " or ".join(", ".join(map(repr, sorted(each.needs))) for each in forms if each is not UNNAMED)
    has = ", ".join(repr(name[:40]) for name in columns) or "none"
    raise UserError(
        f"{where} is not of layout {layout}, which has the columns {needs}; its columns are {has}.{hint(columns)}"
    )


def remarks(layout: str | None, prompts: list[dict]) -> Iterator[str]:
    """What a reader of results must know of a suite's prompts, as sentences."""
    protected = sum(prompt["stratum"] == COPYRIGHT for prompt in prompts) if layout == "harmbench" else 0
    if protected:
        yield (
            f"{protected} prompts ask for protected texts. HarmBench compares answers with those texts by hashes, which no "
            f"judge does: leave the stratum {COPYRIGHT!r} out of harm rates."
        )
    if unknown_plain := sum(UNKNOWN_PLAIN in prompt["category"] for prompt in prompts):
        yield (
            f"{unknown_plain} of {len(prompts)} prompts are known as they are wrapped alone: judges see them so. Their "
            f"category ends in ({UNKNOWN_PLAIN})."
        )
