"""The safety mix: a share of the rows is replaced by safety data, so that their number stays."""

from tunedrift.errors import UserError
from tunedrift.hashing import digest


def mix(row_ids: list[str], safety_ids: list[str], share: float, seed: int) -> dict[str, str]:
    """Which row of the safety data takes each replaced row's place: row_id → the safety data's row_id.

    round(share × rows) rows are replaced. Both sides are paired in the order of their
    digests, so that a smaller share's pairs are among a larger one's. Raises `UserError` where there
    are too few rows of safety data.
    """
    count = round(share * len(row_ids))
    if count > len(safety_ids):
        raise UserError(
            f"a safety mix of {share:g} needs {count} rows of safety data for {len(row_ids)} rows, but there are "
            f"{len(safety_ids)}: add rows to safety_data, or lower safety_mix."
        )
    replaced = sorted(row_ids, key=lambda row_id: digest("replaced", seed, row_id))[:count]
    taken = sorted(safety_ids, key=lambda row_id: digest("taken", seed, row_id))[:count]
    return dict(zip(replaced, taken, strict=True))
