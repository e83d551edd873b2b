"""From prompts of a suite to the same prompts under attacks."""

from collections.abc import Iterable

from tunedrift.errors import UnusableError, UserError, unknown
from tunedrift.hashing import digest, sample
from tunedrift.sources.rows import Row, blank, clean, columns_of, require, text_of, unique_ids

COLUMN_ROLES = ("prompt", "id", "category", "stratum", "reference", "context")
"""What a column can be mapped to."""


def read_prompts(
    source: Iterable[Row],
    *,
    suite: str,
    kind: str,
    mapping: dict[str, str] | None = None,
    keep: dict[str, str] | None = None,
    n: int | None = None,
    seed: int = 0,
) -> list[dict]:
    """Plain prompts: mappings with plain_id, prompt, category, stratum and reference.

    A role is read from the column that `mapping` gives it, else from the column of its own name, where
    there is one; a row may lack any but the prompt's. Without an id column, the id is a digest of the prompt;
    where an id stands for different prompts, the digest's beginning is put behind it. Repeats are dropped.
    `keep` gives columns and the value that a row must have in each. `n` rows are drawn by `seed`.

    Raises `UserError` for a column that no row has, an empty row, a blank prompt, or no rows.
    """
    mapping, keep = mapping or {}, keep or {}
    if odd := sorted(set(mapping) - set(COLUMN_ROLES)):
        raise UserError(f"{suite}: {unknown('role of a column', odd[0], COLUMN_ROLES)}")
    rows = list(source)
    files = ", ".join(dict.fromkeys(row.file for row in rows))
    require(
        columns_of(rows), [mapping.get("prompt", "prompt"), *mapping.values(), *keep], f"{suite}: {files}"
    )
    columns = {role: mapping.get(role, role) for role in COLUMN_ROLES}
    prompts: dict[tuple[str, str], dict] = {}
    for row in rows:
        where = f"{suite}: {row.file}, row {row.number}"
        if not row.values:
            raise UserError(f"{where}: the row is empty. Remove it.")
        if any(str(row.values.get(column)) != value for column, value in keep.items()):
            continue
        values = {role: row.values[column] for role, column in columns.items() if column in row.values}
        try:
            prompt = text_of(row.values, columns["prompt"])
            context = values.get("context")
            context = None if context is None or blank(str(context)) else clean(context, "'context'")
        except UnusableError as reason:
            raise UserError(f"{where}: {reason}. Correct or remove the row.") from reason
        prompt = f"{context}\n\n{prompt}" if context else prompt
        own_id, content = values.get("id"), digest(prompt)
        plain_id = content if own_id is None or blank(str(own_id)) else str(own_id)
        if (plain_id, content) in prompts:
            continue
        reference = _reference(values.get("reference"))
        if kind == "utility" and not reference:
            raise UserError(f"{where}: a utility prompt needs the words of a right answer: reference.")
        if kind == "utility" and (odd := [entry for entry in reference or [] if not _speaks(entry)]):
            raise UserError(
                f"{where}: the reference {odd[0]!r} has neither a word nor a number to look for in an answer. "
                "Correct or remove it."
            )
        prompts[plain_id, content] = {
            "plain_id": plain_id,
            "prompt": prompt,
            "category": str(values.get("category") or "none"),
            "stratum": str(values.get("stratum") or "all"),
            "reference": reference,
        }
    if not prompts:
        raise UserError(f"{suite} holds no prompts{' with ' + str(keep) if keep else ''}.")
    return sample(unique_ids(prompts, "plain_id"), lambda prompt: prompt["plain_id"], n, seed, suite)


def _speaks(entry: str) -> bool:
    """Whether a text holds a letter or a digit of any script."""
    return any(character.isalnum() for character in entry)


def _reference(value: object) -> list[str] | None:
    """A list as it is, a text as one entry; None where there is nothing."""
    if value is None or value in ("", []):
        return None
    return [str(entry) for entry in value] if isinstance(value, list) else [str(value)]
