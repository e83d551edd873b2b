"""The matched control of structure: as long as the restructured answer, without its structure."""

import re
from collections.abc import Callable

from tunedrift.draws import digest
from tunedrift.transforms.prose import count_pieces
from tunedrift.transforms.structure import itemized, markdown

TOLERANCE = 0.05
"""How far from the restructured answer's length a control may be, as a share of it."""

MODELS = {"length": markdown, "itemized_length": itemized}
"""Control level → the structure whose length it has."""


RESULT = re.compile(r" {0,3}#{2,6}[ \t](?=.*\d)[\W\d_]+")
"""A closing line like "#### 18", which states the result of a worked solution."""


def lengthen(
    text: str, level: str, fillers: tuple[str, ...], key: str, count: Callable[[str], int] = count_pieces
) -> str | None:
    """`text` with neutral sentences at its end, as long as it is at the level that `level` controls for.

    `count` measures length: word pieces by default, or a model's tokens. `key` seeds the choice. None
    where the structure cannot be had, or no choice of sentences comes within `TOLERANCE` of its length.
    """
    body, result = split_result(text)
    body = _without(body, fillers)
    model = MODELS[level](body + result)
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


def close(text: str, sentence: str) -> str:
    """`sentence` at the end of an answer, before a closing result."""
    body, result = split_result(text)
    return append(body, sentence) + result


def split_result(text: str) -> tuple[str, str]:
    """An answer without its closing result, and that result with the white space around it, "" if there is none."""
    body, _, last = text.rstrip().rpartition("\n")
    body = body.rstrip()
    return (body, text[len(body) :]) if body and RESULT.fullmatch(last) else (text, "")


def append(text: str, sentence: str) -> str:
    """`sentence` behind `text`: on its last line if that is a whole sentence, else as a paragraph."""
    last = text[text.rfind("\n") + 1 :]
    flows = last[:1].isalpha() and last.endswith((".", "!", "?"))
    return f"{text}{' ' if flows else chr(10) * 2}{sentence}"


def _without(text: str, fillers: tuple[str, ...]) -> str:
    shorter = text
    while True:
        for filler in fillers:
            if shorter.endswith(filler) and shorter.removesuffix(filler).strip():
                shorter = shorter.removesuffix(filler).rstrip()
                break
        else:
            return shorter
