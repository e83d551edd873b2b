"""Subjects of reward models: `variants/{dataset}`, `responses/{model}` or `preferences/{set}`, made and parsed here alone."""

from typing import NamedTuple

from tunedrift.design.tunings import parse_tuning
from tunedrift.errors import UserError

STAGES = {"variants": "dataset", "responses": "model", "preferences": "preference_set"}
"""The stage whose texts are scored → the column of a table that the rest of a subject's name belongs to."""


class Subject(NamedTuple):
    """What one rewards table scores: the texts of a stage under one name."""

    stage: str
    name: str

    @property
    def path(self) -> str:
        """What the subject is called in paths and tables."""
        return f"{self.stage}/{self.name}"

    @property
    def columns(self) -> dict[str, str]:
        """Its name and its parts, as columns of a table."""
        return {"subject": self.path, "stage": self.stage, STAGES[self.stage]: self.name}

    def group(self, name: str) -> dict[str, str | int | None]:
        """A group of the subject's texts and its parts, as columns: a variant, a tuning, or a pair's side."""
        if self.stage == "responses":
            parts = parse_tuning(name).columns
            return {"group": parts.pop("tuning"), **parts}
        return {"group": name, "variant" if self.stage == "variants" else "side": name}


def parse_subject(path: str) -> Subject:
    """Read a subject's name; one of another stage raises `UserError`."""
    stage, _, name = path.partition("/")
    if stage not in STAGES or not name:
        raise UserError(f"{path!r} is no subject: one begins with variants/, responses/ or preferences/.")
    return Subject(stage, name)
