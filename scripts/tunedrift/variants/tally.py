"""What a variant's profile says: how many rows a cell touched, and what their answers hold before and after."""

from collections import Counter
from collections.abc import Callable

from tunedrift.design.factors import TOUCHING
from tunedrift.text.markup import count_elements
from tunedrift.text.prose import words
from tunedrift.variants import identity
from tunedrift.variants.cell import Changed, Rewriter

SIDES = ("before", "after")


class Tally:
    """Counts over the rows of one cell, which add up over blocks of rows."""

    def __init__(self) -> None:
        self.rows = 0
        self.eligible: Counter[str] = Counter()
        self.touched: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()
        self.answers: dict[str, Counter[str]] = {side: Counter() for side in SIDES}

    def add(self, before: str, changed: Changed, cell: Rewriter) -> None:
        """Count one row; `before` is its untouched answer."""
        after = changed.messages[-1]["content"]
        self.rows += 1
        self.eligible.update(changed.eligible)
        self.touched.update(changed.changed_by)
        if changed.language:
            self.languages[changed.language] += 1
        described = describe(before, cell.count, cell.lists.statements)
        self.answers["before"].update(described)
        same = after == before
        self.answers["after"].update(
            described if same else describe(after, cell.count, cell.lists.statements)
        )

    def __add__(self, other: "Tally") -> "Tally":
        """The counts of both."""
        total = Tally()
        total.rows = self.rows + other.rows
        total.eligible = self.eligible + other.eligible
        total.touched = self.touched + other.touched
        total.languages = self.languages + other.languages
        total.answers = {side: self.answers[side] + other.answers[side] for side in SIDES}
        return total

    def profile(self, cell: Rewriter) -> dict:
        """The profile: lengths are means over rows of the last answer, elements and statements totals."""
        personas = cell.levels["role_play"] in cell.lists.personas
        return {
            "levels": cell.levels,
            "compared": {factor: sorted(levels) for factor, levels in cell.compared.items()},
            "rows": self.rows,
            "eligible": {factor: self.eligible[factor] for factor in TOUCHING},
            "touched": {factor: self.touched[factor] for factor in TOUCHING},
            # Language → rows in it, where it is not that of the lists.
            "other_languages": dict(sorted(self.languages.items())),
            "persona_rows": self.touched["role_play"] if personas else 0,
            **{side: self._side(self.answers[side]) for side in SIDES},
        }

    def _side(self, sums: Counter) -> dict:
        means = {name: round(sums[name] / max(1, self.rows), 2) for name in ("characters", "words", "pieces")}
        elements = {name: sums[name] for name in count_elements("")}
        return {**means, "markdown": elements, "identity_statements": sums["identity_statements"]}


def describe(answer: str, count: Callable[[str], int], statements: tuple[identity.Entry, ...]) -> dict:
    """Length, Markdown elements and identity statements of one answer."""
    return {
        "characters": len(answer),
        "words": len(words(answer)),
        "pieces": count(answer),
        "identity_statements": identity.count_statements(answer, statements),
        **count_elements(answer),
    }
