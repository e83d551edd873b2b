"""A judge of a study, made from its settings, with the store of what it has said."""

from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from tunedrift import files
from tunedrift.errors import UserError
from tunedrift.reuse.kinds import Kinds
from tunedrift.reuse.store import Store
from tunedrift.reuse.versions import versions
from tunedrift.verdicts.by_rule import Rules
from tunedrift.verdicts.patterns import read_patterns


class Judge(NamedTuple):
    """The module that judges, what it goes by, and where its verdicts are kept."""

    kind: ModuleType
    rules: Any
    store: Store


def make_judge(
    name: str,
    program: str | Path,
    store: str | Path | None,
    *,
    kind: str,
    by: str = "rule",
    published: str | None = None,
    patterns: str | None = None,
    threshold: float = 0.5,
    fitted: str | None = None,
    execute_code: bool = False,
) -> Judge:
    """The judge `name`, made `by` one of the ways that a study may name: by rule, as `published`, not refused, learned, from the
    JSON in which it was `fitted`, or one of those of utility.

    `program` is the program `judge`, whose code is part of the store's key: whoever makes the judge, its verdicts are
    the same rows. Raises `UserError` for an unknown kind, for one that needs patterns and has none, and for one that runs
    code where `execute_code` does not allow it.
    """
    if by == "learned" and not fitted:
        raise UserError(f"judge {name!r}: a learned judge needs --fitted, the JSON that fit_judge wrote.")
    module = "learned" if fitted else published or (kind if by == "rule" else by)
    kinds = Kinds(program, "verdicts", module)
    loaded = kinds.load(module)
    if loaded.BY_PATTERNS and not patterns:
        raise UserError(f"judge {name!r}: a {kind} judge needs --patterns, a YAML file of refusal patterns.")
    if getattr(loaded, "EXECUTES", False) and not execute_code:
        raise UserError(
            f"judge {name!r}: a judge by {by} runs code that a model wrote, shut in as well as the system can. Say "
            "`execute_code: true` (--execute-code) to allow it."
        )
    rules: Any = Rules(read_patterns(patterns) if patterns else None, threshold)
    if fitted:
        rules = loaded.read(fitted, kind)
    ingredients: dict[str, Any] = {
        "kind": module,
        "patterns": patterns and files.sha256(Path(patterns)),
        "threshold": threshold,
        "code": kinds.digest,
    }
    if fitted:
        ingredients |= {"fitted": rules.digest}
    if libraries := getattr(loaded, "LIBRARIES", ()):
        ingredients |= {"versions": versions(*libraries)}
    return Judge(loaded, rules, Store(store, "judge", ingredients))
