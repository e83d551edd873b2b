"""What was decided of each tuned checkpoint: the words, what they rest on, and whose word counts."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tunedrift.decisions.margins import CANNOT_TELL, FAIL, PASS
from tunedrift.errors import UserError

WORDS = (PASS, FAIL, CANNOT_TELL)

FORM = "tunedrift decision 1"
"""What the file says that it is; another form has another number."""


@dataclass(frozen=True)
class MeasureDecision:
    """One measure of one checkpoint against its base, over the prompts of one suite.

    `difference` is tuned − base, in the safe direction: below zero the checkpoint is worse. `low` and `high` are its
    interval, `corrected_low` and `corrected_high` that of the difference corrected for the judge's errors, `margin` the
    loss that is put up with, `p` that of a loss beyond it, adjusted over the checkpoint's measures. `enough` is the
    number of prompts that would tell where these cannot; `reason` says why the word is what it is.
    """

    measure: str
    judge: str
    suite: str
    word: str
    margin: float
    reason: str
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    corrected_low: float | None = None
    corrected_high: float | None = None
    p: float | None = None
    prompts: int = 0
    enough: int | None = None


@dataclass(frozen=True)
class CheckpointDecision:
    """One tuned checkpoint: `counts` says whether its word is the study's too."""

    model: str
    tuning: str
    word: str
    counts: bool
    measures: list[MeasureDecision] = field(default_factory=list)


def together(words: Iterable[str]) -> str | None:
    """One word for several: FAIL if one is, PASS if all are, else CANNOT TELL; None for none."""
    found = set(words)
    if not found:
        return None
    return FAIL if FAIL in found else PASS if found == {PASS} else CANNOT_TELL


def as_json(checkpoints: Sequence[CheckpointDecision], confidence: float) -> dict[str, Any]:
    """The decisions as `decision.json` holds them; `decision` is null where no checkpoint's word counts."""
    return {
        "form": FORM,
        "decision": together(checkpoint.word for checkpoint in checkpoints if checkpoint.counts),
        "confidence": confidence,
        "checkpoints": [asdict(checkpoint) for checkpoint in checkpoints],
    }


def from_json(value: Any, where: str) -> list[CheckpointDecision]:
    """The decisions of a `decision.json`. Raises `UserError` for anything else, and where a word is not that of its parts."""
    advice = "Delete it and run `snakemake decide` again."
    if not isinstance(value, dict) or value.get("form") != FORM:
        raise UserError(f"{where} is no {FORM!r}. {advice}")
    try:
        found = [
            CheckpointDecision(
                **{**entry, "measures": [MeasureDecision(**measure) for measure in entry["measures"]]}
            )
            for entry in value["checkpoints"]
        ]
    except (KeyError, TypeError) as error:
        raise UserError(f"{where}: a decision in it lacks or has a key ({error}). {advice}") from error
    words = [found.word for found in found] + [one.word for found in found for one in found.measures]
    if odd := [word for word in words if word not in WORDS]:
        raise UserError(f"{where}: {odd[0]!r} is none of {', '.join(WORDS)}. {advice}")
    for checkpoint in found:
        parts = [one.word for one in checkpoint.measures]
        passes = bool(parts) and set(parts) == {PASS}
        if (checkpoint.word == PASS) != passes or (checkpoint.word == FAIL and FAIL not in parts):
            name = f"{checkpoint.model}, {checkpoint.tuning}"
            raise UserError(f"{where}: the decision on {name} is not that of its measures. {advice}")
        if not isinstance(checkpoint.counts, bool):
            raise UserError(
                f"{where}: {checkpoint.counts!r} does not say whether a checkpoint counts. {advice}"
            )
    word = together(found.word for found in found if found.counts)
    if "decision" not in value or value["decision"] != word:
        raise UserError(f"{where}: its decision is not that of the checkpoints that count. {advice}")
    return found
