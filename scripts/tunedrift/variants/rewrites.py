"""Answers by themselves, at every level that rewrites answers."""

from collections.abc import Callable, Iterable, Iterator

from tunedrift.design.factors import BASELINES, LEVELS
from tunedrift.text.prose import count_pieces
from tunedrift.variants.cell import Rewriter
from tunedrift.variants.word_lists import Lists

REWRITING = tuple(
    (factor, level) for factor, levels in LEVELS.items() for level in levels if level != BASELINES[factor]
)
"""(factor, level) of all levels that rewrite answers, controls among them; the other factors leave answers alone."""


def rewrites(
    answers: Iterable[tuple[str, str, str]], lists: Lists, count: Callable[[str], int] = count_pieces
) -> Iterator[tuple[str, str, str, str]]:
    """(answer_id, factor, level, rewritten) wherever a level changes one of the (answer_id, prompt, answer).

    Each level is applied alone, to every answer that it can change, as to a row of the instructions; so an answer in
    another language than the lists takes none of their sentences. `count` measures length for the length controls.
    """
    cells = [
        (factor, level, Rewriter({factor: level}, lists, compared={}, count=count))
        for factor, level in REWRITING
    ]
    for answer_id, prompt, answer in answers:
        chat = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
        for factor, level, cell in cells:
            changed = cell.apply({"row_id": answer_id, "messages": chat})
            if changed.changed_by:
                yield answer_id, factor, level, changed.messages[-1]["content"]
