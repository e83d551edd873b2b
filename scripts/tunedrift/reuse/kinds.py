"""Kinds: modules of one room that a program imports by name, so that a new one touches no other's results."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from tunedrift.errors import UserError, unknown
from tunedrift.reuse.code_digest import code_digest

LIBRARY = Path(__file__).parents[1]


class Kinds:
    """The kinds that one run of a program may load, and the digest of the code behind them.

    `room` is a folder of the library, `names` are modules in it. Raises `UserError` for a name without one.
    """

    def __init__(self, program: str | Path, room: str, *names: str):
        for name in names:
            if not (LIBRARY / room / f"{name}.py").is_file():
                known = sorted(path.stem for path in (LIBRARY / room).glob("[a-z]*.py"))
                raise UserError(unknown(f"kind of {room}", name, known))
        self.room, self.names = room, names
        self.digest = code_digest(program, *(f"tunedrift.{room}.{name}" for name in names))

    def load(self, name: str) -> ModuleType:
        """The module of one kind. Raises `UserError` for a kind that the digest does not cover."""
        if name not in self.names:
            raise UserError(
                f"the kind {name!r} is not among those that this run was started for ({', '.join(self.names)}), so its "
                "code is in no digest and its results would be reused wrongly. Name it at the start."
            )
        return import_module(f"tunedrift.{self.room}.{name}")
