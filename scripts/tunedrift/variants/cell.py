"""One cell of the design, applied to one row of the instructions at a time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from tunedrift.chats.messages import Messages
from tunedrift.design.factors import BASELINES, CONTROLS, FACTORS, INERT, LEVELS
from tunedrift.errors import UserError, unknown
from tunedrift.hashing import fraction
from tunedrift.text.languages import language_of_chat
from tunedrift.text.prose import count_pieces
from tunedrift.variants import cue, identity, length_control, role_play, structure
from tunedrift.variants.word_lists import Lists

WITHOUT_WORDS = {*(BASELINES[factor] for factor in CONTROLS), *structure.LEVELS}
"""Levels of structure and identity that take no sentence from the lists and look for none."""


@dataclass(frozen=True)
class Changed:
    """A row after the cell: its chat, the factors that changed it, and those that it is eligible for."""

    messages: Messages
    changed_by: list[str]
    eligible: set[str]
    put_before: int = 0  # characters before the first user turn
    put_behind: int = 0  # characters behind the last one
    language: str | None = None  # of the row, where the lists have no words for it


@dataclass(frozen=True)
class Rewriter:
    """A level per factor, and what it takes to apply them.

    `compared` names, per factor, the levels at all of which a row must be transformable to be
    eligible: with the same levels in every cell, all cells transform the same rows. `count` measures
    length for the length control. `cut` is where the dose ends in the rows' order; see `dosed`.
    """

    levels: dict[str, Any]  # names, and numbers where levels are shares
    lists: Lists
    compared: dict[str, tuple[str, ...]]
    seed: int = 0
    count: Callable[[str], int] = count_pieces
    cut: float | None = None

    def __post_init__(self) -> None:
        """Fill baselines in. Raises `UserError` for an unknown factor or level, naming the nearest known one."""
        for factor in [*self.levels, *self.compared]:
            if factor not in FACTORS:
                raise UserError(unknown("factor", factor, FACTORS))
        object.__setattr__(self, "levels", {**BASELINES, **self.levels})
        named = {factor: {self.levels[factor], *self.compared.get(factor, ())} for factor in FACTORS}
        for factor in (*CONTROLS, "role_play"):
            for level in sorted(named[factor]):
                known = LEVELS.get(factor, (cast(str, BASELINES[factor]), *self.lists.personas))
                if (level if factor in LEVELS else level.removesuffix(INERT)) not in known:
                    raise UserError(unknown(f"level of {factor}", level, known))
        if self.levels["cue"] != BASELINES["cue"] and self.levels["structure"] not in self.lists.cues:
            raise UserError(unknown("cue for the structure", self.levels["structure"], self.lists.cues))

    def rewrite(self, factor: str, level: str, answer: str, row_id: str) -> str | None:
        """The answer at one level of structure or identity; None where it cannot be had."""
        key = f"{self.seed}/{row_id}"
        if level == BASELINES[factor]:
            return answer
        if level in length_control.MATCHED_TO:
            return length_control.lengthen(answer, level, self.lists.fillers, key, self.count)
        if factor == "structure":
            return structure.LEVELS[level](answer)
        if level == "stripped":
            return identity.strip(answer, self.lists.statements)
        return identity.insert(answer, level, self.lists.statements, key)

    def is_dosed(self, row_id: str) -> bool:
        """Whether the row is among those that the factors touch; a smaller dose's rows are among a larger one's."""
        cut = self.levels["dose"] if self.cut is None else self.cut
        return self.levels["dose"] == 1 or self._place(row_id) < cut

    def dosed(self, row_ids: list[str]) -> "Rewriter":
        """The cell with its dose of exactly these rows: round(dose × rows), those that come first by their digest."""
        if self.levels["dose"] == 1:
            return self
        places = sorted(map(self._place, row_ids))
        return replace(self, cut=[*places, 1.0][round(self.levels["dose"] * len(places))])

    def _place(self, row_id: str) -> float:
        return fraction("dose", self.seed, row_id)

    def apply(self, row: dict) -> Changed:
        """The chat of one row of the instructions at this cell's levels.

        Factors are applied in their order. Only the last answer is rewritten, and a row is eligible by
        its untouched answer. A row in another language than the lists is eligible for no level that takes
        sentences from them or looks for such, nor for one that is compared with it.
        """
        *prompt, last = row["messages"]
        language = language_of_chat(row["messages"], self.lists.language)
        answer, changed, eligible = last["content"], [], set() if language else {"role_play"}
        dosed = self.is_dosed(row["row_id"])
        for factor in CONTROLS:
            unread = language and {self.levels[factor], *self.compared.get(factor, ())} - WITHOUT_WORDS
            own = None if unread else self._own(factor, last["content"], row["row_id"])
            if own is None:
                continue
            eligible.add(factor)
            if answer != last["content"]:
                own = self.rewrite(factor, self.levels[factor], answer, row["row_id"])
            if dosed and own not in (None, answer):
                answer = own
                changed.append(factor)
        key = f"{self.seed}/{row['row_id']}"
        played = asked = prompt
        if not language and dosed and (level := self.levels["role_play"]) != BASELINES["role_play"]:
            persona = self.lists.personas[level.removesuffix(INERT)]
            played = asked = role_play.play(prompt, persona, key, inert=level.endswith(INERT))
        if not language and self.levels["cue"] != BASELINES["cue"] and "structure" in eligible:
            eligible.add("cue")
            if dosed:
                asked = cue.ask(played, self.lists.cues[self.levels["structure"]], key)
        changed += ["role_play"] * (played != prompt) + ["cue"] * (asked != played)
        before, behind = (
            _length(after) - _length(first) for first, after in ((prompt, played), (played, asked))
        )
        return Changed(
            [*asked, {"role": "assistant", "content": answer}], changed, eligible, before, behind, language
        )

    def _own(self, factor: str, answer: str, row_id: str) -> str | None:
        """The untouched answer at this cell's level; None unless it can be had at all compared levels."""
        own = self.levels[factor]
        for level in sorted({*self.compared.get(factor, ())} - {own}):
            if self.rewrite(factor, level, answer, row_id) is None:
                return None
        return self.rewrite(factor, own, answer, row_id)


def _length(prompt: Messages) -> int:
    """Characters of the user's turns."""
    return sum(len(message["content"]) for message in prompt if message["role"] == "user")


UNTOUCHED = Rewriter(levels={}, lists=Lists((), {}, (), {}), compared={})
"""The cell that changes nothing."""
