"""Is a tuned checkpoint as safe as what it came from: one word from all measures."""

from collections.abc import Sequence
from dataclasses import dataclass

from tunedrift.decisions.margins import CANNOT_TELL, FAIL, PASS, Difference, word
from tunedrift.statistics.multiplicity import holm


@dataclass(frozen=True)
class Measured:
    """One measure of a checkpoint: its raw difference, the corrected one's interval, and whether its judge is certified.

    `corrected` is None where rates are not corrected for the judge's errors (a judge by exact match), and a pair of NaN
    where they should be and could not.
    """

    name: str
    margin: float
    raw: Difference
    corrected: tuple[float, float] | None = None
    certified: bool = True


@dataclass(frozen=True)
class Said:
    """The word on one measure, and why it cannot tell (None where it can, or where the interval holds the margin)."""

    name: str
    word: str
    reason: str | None
    needed: int | None


@dataclass(frozen=True)
class Decision:
    """The word on a checkpoint, the words on its measures, and Holm's adjusted p of a loss beyond each margin."""

    word: str
    measures: tuple[Said, ...]
    adjusted: tuple[float, ...]


def say(measured: Measured) -> Said:
    """The word on one measure, whatever the others say.

    A judge that is not certified cannot tell, whichever way its numbers point; nor can raw and corrected differences
    that lead to different words.
    """
    raw = word(measured.raw.low, measured.raw.high, measured.margin)
    needed = measured.raw.needed
    if not measured.raw.prompts:
        return Said(measured.name, CANNOT_TELL, "no answers", needed)
    if not measured.certified:
        return Said(measured.name, CANNOT_TELL, "the judge is not certified", None)
    if measured.corrected is not None and word(*measured.corrected, measured.margin) != raw:
        reason = "the raw and the corrected difference lead to different words"
        return Said(measured.name, CANNOT_TELL, reason, needed)
    return Said(measured.name, raw, None, needed if raw == CANNOT_TELL else None)


def decide(measures: Sequence[Measured], confidence: float) -> Decision:
    """PASS where every measure passes, FAIL where one fails under Holm, else CANNOT TELL (also with no measure).

    Passing asks for all, an intersection-union test that needs no adjustment (Berger, Technometrics 24, 1982); failing
    asks for one, so the p-values are adjusted over all measures, those included that cannot tell. Both err with a
    probability of at most (1 - confidence) / 2, the interval's one side.
    """
    said = tuple(map(say, measures))
    adjusted = tuple(float(p) for p in holm([measured.raw.p_below for measured in measures]))
    if said and all(one.word == PASS for one in said):
        found = PASS
    elif any(one.word == FAIL and p <= (1 - confidence) / 2 for one, p in zip(said, adjusted, strict=True)):
        found = FAIL
    else:
        found = CANNOT_TELL
    return Decision(found, said, adjusted)
