"""From rows of a file to instructions: normalised, unusable rows and repeats left out."""

from collections.abc import Iterable

from tunedrift.draws import digest
from tunedrift.errors import UserError
from tunedrift.layouts import UnusableError, choose
from tunedrift.reading import Reject, Row


def load(
    source: Iterable[Row],
    *,
    dataset: str,
    layout: str = "auto",
    mapping: dict[str, str] | None = None,
    max_rejected: float = 0.05,
) -> tuple[list[dict], list[Reject]]:
    """Rows of the instructions table, and the rows left out.

    `row_id` is a digest of the chat, so that neither the order nor the name of a file matters. Repeats
    are left out but are not unusable: they do not count toward `max_rejected`, a share of all rows.

    Raises `UserError` where no layout fits, no row is usable, or too many rows are not.
    """
    rows: dict[str, dict] = {}
    rejects, repeats = [], []
    layouts = {}
    total = 0
    for row in source:
        total += 1
        if row.file not in layouts:
            layouts[row.file] = choose(
                row.values, name=layout, mapping=mapping, where=f"{dataset}: {row.file}"
            )
        try:
            messages = layouts[row.file].messages(row.values)
        except UnusableError as reason:
            rejects.append(Reject(row.file, row.number, str(reason)))
            continue
        row_id = digest(messages)
        if row_id in rows:
            first = rows[row_id]
            reason = f"the same as row {first['source_row']} of {first['source_file']}"
            repeats.append(Reject(row.file, row.number, reason))
            continue
        rows[row_id] = {
            "row_id": row_id,
            "messages": messages,
            "source_file": row.file,
            "source_row": row.number,
        }
    refuse_excess(rejects, total, max_rejected, dataset)
    return list(rows.values()), rejects + repeats


def refuse_excess(rejects: list[Reject], total: int, max_rejected: float, name: str) -> None:
    """Raise `UserError` where no row, or less than a share 1 - `max_rejected` of them, is usable."""
    if not total:
        raise UserError(f"{name} holds no rows.")
    if len(rejects) < total and len(rejects) <= max_rejected * total:
        return
    first = rejects[0]
    raise UserError(
        f"{name}: {len(rejects)} of {total} rows are unusable, more than the share {max_rejected:g} allowed; "
        f"the first is row {first.row} of {first.file}: {first.reason}."
    )
