"""The matched control of structure: as long as the restructured answer, without its structure."""

from collections.abc import Callable

from tunedrift.hashing import digest
from tunedrift.text.endings import append, split_result
from tunedrift.text.prose import count_pieces
from tunedrift.variants.structure import itemized, markdown

TOLERANCE = 0.05
"""How far from the restructured answer's length a control may be, as a share of it."""

MATCHED_TO = {"length": markdown, "itemized_length": itemized}
"""Control level → the structure whose length it has."""


def lengthen(
    text: str, level: str, fillers: tuple[str, ...], key: str, count: Callable[[str], int] = count_pieces
) -> str | None:
    """`text` with neutral sentences at its end, as long as it is at the level that `level` controls for.

    `count` measures length: word pieces by default, or a model's tokens. `key` seeds the choice. None
    where the structure cannot be had, or no choice of sentences comes within `TOLERANCE` of its length.
    """
    body, result = split_result(text)
    body = _without(body, fillers)
    model = MATCHED_TO[level](body + result)
    if model is None:
        return None
    target = count(model)
    shortest = min(count(filler) for filler in fillers)
    order = sorted(fillers, key=lambda filler: digest(key, filler))
    while (gap := target - count(body + result)) > 0:
        # What is left must be nothing or room for one more sentence.
        fits = [filler for filler in order if (rest := gap - count(filler)) == 0 or rest >= shortest]
        fits = [filler for filler in fits if not body.endswith(filler)]
        if not fits:
            break
        body = append(body, fits[0])
        # A sentence comes again only after all others had their turn.
        order.remove(fits[0])
        order.append(fits[0])
    return body + result if abs(count(body + result) - target) <= TOLERANCE * target else None


def _without(text: str, fillers: tuple[str, ...]) -> str:
    shorter = text
    while True:
        for filler in fillers:
            if shorter.endswith(filler) and shorter.removesuffix(filler).strip():
                shorter = shorter.removesuffix(filler).rstrip()
                break
        else:
            return shorter
