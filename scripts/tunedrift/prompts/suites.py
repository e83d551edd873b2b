"""From prompts of a suite to the same prompts under attacks."""

import re
import unicodedata
from collections.abc import Iterable

from tunedrift.errors import UnusableError, UserError, unknown
from tunedrift.hashing import digest, sample
from tunedrift.prompts.fields import hint, named_columns, read_fields
from tunedrift.prompts.layouts import Fields
from tunedrift.sources.rows import (
    Reject,
    Row,
    blank,
    clean,
    columns_of,
    refuse_excess,
    require,
    text_of,
    unique_ids,
)

COLUMN_ROLES = (
    *("prompt", "id", "category", "stratum", "reference", "context"),
    *("language", "asked", "method"),
)
"""What a column can be mapped to. `asked` is a prompt that is already attacked, by `method`; judges see `prompt`."""

REPEAT = "the same prompt as"
"""How the reason begins for which a repeat is left out."""


def read_prompts(
    source: Iterable[Row],
    *,
    suite: str,
    kind: str,
    layout: str | None = None,
    mapping: dict[str, str] | None = None,
    keep: dict[str, str] | None = None,
    language: str | None = None,
    n: int | None = None,
    seed: int = 0,
    max_rejected: float = 0.05,
) -> tuple[list[dict], list[Reject]]:
    """Plain prompts, and the rows left out: unusable ones, repeats, and those of which a layout says that they are none.

    A prompt is a mapping with plain_id, prompt, category, stratum, reference, language (ISO 639-1, or None), translations
    (language → text), asked (what is put to the model instead, where the data set is of attacked prompts) and method.
    With a layout (see `layouts`) the columns are known. Else a role is read from the column that `mapping` gives it, or,
    all but `asked`, from the column of its own name, where there is one; a row may lack any but the prompt's. Without an id column, the id
    is a digest of the prompt; where an id stands for different prompts, the digest's beginning is put behind it. A prompt
    counts once, whatever its ids, Unicode form and white space. `keep` gives columns and the value that a row must have
    in each. `n` rows are drawn by `seed`. Only empty rows and null or blank prompts count toward `max_rejected`.

    Raises `UserError` for a file that is not of the layout, a column that no row has, too many unusable rows, or none.
    """
    mapping, keep = mapping or {}, keep or {}
    if odd := sorted(set(mapping) - set(COLUMN_ROLES)):
        raise UserError(f"{suite}: {unknown('role of a column', odd[0], COLUMN_ROLES)}")
    if layout and mapping:
        raise UserError(f"{suite}: layout {layout} knows its columns: take out either columns or layout.")
    rows = list(source)
    files = ", ".join(dict.fromkeys(row.file for row in rows))
    rows = list(named_columns(rows)) if layout else rows
    columns = columns_of(rows)
    require(columns, keep, f"{suite}: {files}")
    rows = [
        row
        for row in rows
        if not row.values or all(str(row.values.get(column)) == value for column, value in keep.items())
    ]
    if layout:
        read = read_fields(rows, layout, kind=kind, language=language, where=suite)
    else:
        read = _by_mapping(rows, list(columns), mapping, language, f"{suite}: {files}")
    attacked = any("asked" in fields for _, fields in read)
    rejects, left_out = [], []
    prompts: dict[tuple[str, str], dict] = {}
    first: dict[tuple[str, str], Row] = {}
    for row, fields in read:
        if reason := fields.get("left_out"):
            left_out.append(Reject(row.file, row.number, reason))
            continue
        try:
            prompt = _prompt(row, fields, attacked, f"{suite}: {row.file}, row {row.number}")
        except UnusableError as error:
            rejects.append(Reject(row.file, row.number, str(error)))
            continue
        _check_reference(prompt["reference"], kind, f"{suite}: {row.file}, row {row.number}")
        same = (_plain_form(prompt["prompt"]), _plain_form(prompt["asked"] or ""))
        if same in first:
            earlier = first[same]
            left_out.append(Reject(row.file, row.number, f"{REPEAT} row {earlier.number} of {earlier.file}"))
            continue
        first[same] = row
        content = digest(prompt["prompt"], prompt["asked"]) if prompt["asked"] else digest(prompt["prompt"])
        prompt["plain_id"] = prompt["plain_id"] or content
        prompts[prompt["plain_id"], content] = prompt
    if not read:
        wanted = [kind, *([f"in {language!r}"] if language else []), *([f"with {keep}"] if keep else [])]
        raise UserError(f"{suite} holds no prompts: none of its rows is {', '.join(wanted)}.")
    refuse_excess(rejects, len(read), max_rejected, suite, "prompts")
    if not prompts:
        why = left_out[0]
        raise UserError(f"{suite} holds no prompts: the first is row {why.row} of {why.file}: {why.reason}.")
    found = sample(unique_ids(prompts, "plain_id"), lambda prompt: prompt["plain_id"], n, seed, suite)
    return found, rejects + left_out


def _by_mapping(
    rows: list[Row], columns: list[str], mapping: dict[str, str], language: str | None, where: str
) -> list[tuple[Row, Fields]]:
    """The rows with what stands in the columns of the roles. Raises `UserError` for a column that no row has."""
    try:
        require(columns, [mapping.get("prompt", "prompt"), *mapping.values()], where)
    except UserError as error:
        raise UserError(f"{error}{hint(columns)}") from error
    named = {role: mapping.get(role, role) for role in COLUMN_ROLES if role != "asked" or role in mapping}
    found = []
    for row in rows:
        fields = {role: row.values[column] for role, column in named.items() if column in row.values}
        said = str(fields.get("language") or "").lower()
        fields["language"] = said if re.fullmatch("[a-z]{2,3}", said) else language
        found.append((row, fields))
    return found


def _prompt(row: Row, fields: Fields, attacked: bool, where: str) -> dict:
    """A plain prompt from the fields of a row. Raises `UnusableError` where it cannot be put to a model."""
    if not row.values:
        raise UnusableError("the row is empty")
    asked = text_of(fields, "asked") if attacked else None
    prompt = text_of(fields, "prompt")
    context = fields.get("context")
    context = None if context is None or blank(str(context)) else clean(context, "'context'")
    own_id, method = fields.get("id"), fields.get("method")
    return {
        "plain_id": None if own_id is None or blank(str(own_id)) else str(own_id),
        "prompt": f"{context}\n\n{prompt}" if context else prompt,
        "category": str(fields.get("category") or "none"),
        "stratum": str(fields.get("stratum") or (asked and method) or "all"),
        "reference": _reference(fields.get("reference"), where),
        "language": fields.get("language"),
        "translations": fields.get("translations") or {},
        "asked": asked,
        "method": str(method) if asked and method else None,
    }


def _plain_form(text: str) -> str:
    """A text as compared with others: composed characters, and one blank for all white space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _check_reference(reference: list[str] | None, kind: str, where: str) -> None:
    if kind != "utility":
        return
    if not reference:
        raise UserError(f"{where}: a utility prompt needs the words of a right answer: reference.")
    if odd := [entry for entry in reference if not _speaks(entry)]:
        raise UserError(
            f"{where}: the reference {odd[0]!r} has neither a word nor a number to look for in an answer. "
            "Correct or remove it."
        )


def _speaks(entry: str) -> bool:
    """Whether a text holds a letter or a digit of any script."""
    return any(character.isalnum() for character in entry)


def _reference(value: object, where: str) -> list[str] | None:
    """A list as it is, a text or a number as one entry; None where there is nothing.

    Raises `UserError` for anything else, whose Python spelling no answer holds.
    """
    if value is None or value in ("", []):
        return None
    entries = value if isinstance(value, list) else [value]
    if odd := [
        entry for entry in entries if isinstance(entry, bool) or not isinstance(entry, str | int | float)
    ]:
        raise UserError(
            f"{where}: the reference {odd[0]!r} is neither a text nor a number. Map `reference` to a column that holds "
            "one, or a list of them, or correct the row."
        )
    return [str(entry) for entry in entries]
