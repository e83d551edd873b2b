"""From prompts of a suite to the same prompts under attacks."""

from collections.abc import Iterable

from tunedrift.errors import UnusableError, UserError, unknown
from tunedrift.hashing import digest, sample
from tunedrift.sources.rows import Row, require, text_of

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
    there is one. Without an id column, the id is a digest of the prompt, and repeats are dropped.
    `keep` gives columns and the value that a row must have in each. `n` rows are drawn by `seed`.

    Raises `UserError` for a missing column, a blank prompt, an id given twice, or no rows.
    """
    mapping, keep = mapping or {}, keep or {}
    if odd := sorted(set(mapping) - set(COLUMN_ROLES)):
        raise UserError(f"{suite}: {unknown('role of a column', odd[0], COLUMN_ROLES)}")
    prompts: dict[str, dict] = {}
    for row in source:
        where = f"{suite}: {row.file}"
        require(row.values, [mapping.get("prompt", "prompt"), *mapping.values(), *keep], where)
        if any(str(row.values[column]) != value for column, value in keep.items()):
            continue
        columns = {role: mapping.get(role, role) for role in COLUMN_ROLES}
        values = {role: row.values[column] for role, column in columns.items() if column in row.values}
        try:
            prompt = text_of(values, "prompt")
            context = text_of(values, "context") if values.get("context") else None
        except UnusableError as reason:
            raise UserError(f"{where}, row {row.number}: {reason}. Correct or remove the row.") from reason
        prompt = f"{context}\n\n{prompt}" if context else prompt
        named = values.get("id") not in (None, "")
        plain_id = str(values["id"]) if named else digest(prompt)
        if plain_id in prompts:
            if named:
                raise UserError(
                    f"{where}, row {row.number}: the id {plain_id!r} occurs twice. Make it unique."
                )
            continue
        reference = _reference(values.get("reference"))
        if kind == "utility" and not reference:
            raise UserError(
                f"{where}, row {row.number}: a utility prompt needs the words of a right answer: reference."
            )
        prompts[plain_id] = {
            "plain_id": plain_id,
            "prompt": prompt,
            "category": str(values.get("category") or "none"),
            "stratum": str(values.get("stratum") or "all"),
            "reference": reference,
        }
    if not prompts:
        raise UserError(f"{suite} holds no prompts{' with ' + str(keep) if keep else ''}.")
    return sample(prompts.values(), lambda prompt: prompt["plain_id"], n, seed, suite)


def _reference(value: object) -> list[str] | None:
    """A list as it is, a text as one entry; None where there is nothing."""
    if value is None or value in ("", []):
        return None
    return [str(entry) for entry in value] if isinstance(value, list) else [str(value)]
