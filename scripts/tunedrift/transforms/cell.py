"""One cell of the design, applied to a table of instructions, and an account of what it changed."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tunedrift.errors import UserError
from tunedrift.layouts import unknown
from tunedrift.transforms import identity, length, role_play, structure
from tunedrift.transforms.levels import BASELINES, CONTROLS, FACTORS, INERT, LEVELS
from tunedrift.transforms.lists import Lists
from tunedrift.transforms.markup import count_elements
from tunedrift.transforms.prose import count_pieces, words


@dataclass(frozen=True)
class Cell:
    """A level per factor, and what it takes to apply them.

    `compared` names, per factor, the levels at all of which a row must be transformable to be
    eligible: with the same levels in every cell, all cells transform the same rows.
    """

    levels: dict[str, str]
    lists: Lists
    compared: dict[str, tuple[str, ...]]
    seed: int = 0
    count: Callable[[str], int] = count_pieces

    def __post_init__(self):
        """Raise `UserError` for an unknown factor or level, with the nearest known one."""
        for factor, levels in [
            *((factor, (level,)) for factor, level in self.levels.items()),
            *self.compared.items(),
        ]:
            if factor not in FACTORS:
                raise UserError(unknown("factor", factor, FACTORS))
            for level in levels:
                known = LEVELS.get(factor, (BASELINES[factor], *self.lists.personas))
                if (level if factor in LEVELS else level.removesuffix(INERT)) not in known:
                    raise UserError(unknown(f"level of {factor}", level, known))

    def rewrite(self, factor: str, level: str, answer: str, row_id: str) -> str | None:
        """The answer at one level of structure or identity; None where it cannot be had."""
        key = f"{self.seed}/{row_id}"
        if level == BASELINES[factor]:
            return answer
        if level in length.MODELS:
            return length.lengthen(answer, level, self.lists.fillers, key, self.count)
        if factor == "structure":
            return structure.LEVELS[level](answer)
        if level == "stripped":
            return identity.strip(answer, self.lists.statements)
        return identity.insert(answer, level, self.lists.statements, key)

    def is_eligible(self, factor: str, answer: str, row_id: str) -> bool:
        """Whether the untouched answer can be had at this cell's level and at all compared ones."""
        if factor == "role_play":
            return True
        levels = {self.levels[factor], *self.compared.get(factor, ())}
        return all(self.rewrite(factor, level, answer, row_id) is not None for level in sorted(levels))

    def apply(self, row: dict) -> tuple[dict, set[str]]:
        """A row of the variants table for one of the instructions table, and the factors it is eligible for.

        Factors are applied in their order. Only the last answer is rewritten.
        """
        *prompt, last = row["messages"]
        answer, changed = last["content"], []
        eligible = {factor for factor in CONTROLS if self.is_eligible(factor, answer, row["row_id"])}
        for factor in CONTROLS:
            rewritten = (
                self.rewrite(factor, self.levels[factor], answer, row["row_id"])
                if factor in eligible
                else None
            )
            if rewritten is not None and rewritten != answer:
                answer = rewritten
                changed.append(factor)
        played = prompt
        if (level := self.levels["role_play"]) != BASELINES["role_play"]:
            persona = self.lists.personas[level.removesuffix(INERT)]
            key = f"{self.seed}/{row['row_id']}"
            played = role_play.play(prompt, persona, key, inert=level.endswith(INERT))
        if played != prompt:
            changed.append("role_play")
        variant = {
            "row_id": row["row_id"],
            "messages": [*played, {"role": "assistant", "content": answer}],
            "original_prompt": prompt,
            "changed_by": changed,
        }
        return variant, eligible | {"role_play"}


def transform(rows: list[dict], cell: Cell) -> tuple[list[dict], dict]:
    """Rows of the variants table, and the profile: what was eligible, what changed, and by how much.

    Lengths are means over rows of the last answer; elements and statements are totals.
    """
    variants, eligible, touched = [], Counter(), Counter()
    for row in rows:
        variant, fit = cell.apply(row)
        variants.append(variant)
        eligible.update(fit)
        touched.update(variant["changed_by"])
    before = [row["messages"][-1]["content"] for row in rows]
    after = [variant["messages"][-1]["content"] for variant in variants]
    personas = cell.levels["role_play"] in cell.lists.personas
    profile = {
        "levels": cell.levels,
        "compared": {factor: sorted(levels) for factor, levels in cell.compared.items()},
        "rows": len(rows),
        "eligible": {factor: eligible[factor] for factor in FACTORS},
        "touched": {factor: touched[factor] for factor in FACTORS},
        "persona_rows": touched["role_play"] if personas else 0,
        "before": _describe(before, cell),
        "after": _describe(after, cell),
    }
    return variants, profile


def _describe(answers: list[str], cell: Cell) -> dict:
    elements = Counter()
    for answer in answers:
        elements.update(count_elements(answer))
    return {
        "characters": _mean([len(answer) for answer in answers]),
        "words": _mean([len(words(answer)) for answer in answers]),
        "pieces": _mean([cell.count(answer) for answer in answers]),
        "markdown": dict(elements),
        "identity_statements": sum(
            identity.count_statements(answer, cell.lists.statements) for answer in answers
        ),
    }


def _mean(values: list[int]) -> float:
    return round(sum(values) / len(values), 2) if values else 0.0
