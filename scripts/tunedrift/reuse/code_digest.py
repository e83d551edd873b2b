"""Digests of code: what a program does, without how it is written down.

A step reruns when its digest changes. Comments, layout, docstrings and modification times do not
enter it; a change in any local module that the program imports, however indirectly, does. By hand,
in `scripts/`: `python -m tunedrift.reuse.code_digest tune.py` lists the files behind one.
"""

import ast
import hashlib
import sys
from functools import cache
from pathlib import Path

JOBS = Path("tunedrift/jobs")
"""The folder of modules that no result depends on: how a job runs, and what it says meanwhile."""


def code_digest(program: str | Path, *kinds: str) -> str:
    """Short hex digest of the syntax trees of `program` and of the local modules that it imports.

    `kinds` names modules that the program imports by name while it runs, such as
    `tunedrift.verdicts.refusal`; see `Kinds`. The dump of a syntax tree depends on Python's minor version.
    """
    root = Path(program).parent
    digest = hashlib.sha256()
    for path in covered(program, *kinds):
        tree, _ = _parse(path)
        digest.update(f"{path.relative_to(root)}\0{tree}\0".encode())
    return digest.hexdigest()[:16]


def covered(program: str | Path, *kinds: str) -> list[Path]:
    """The files behind a program's digest, sorted: itself, its local modules, those of its kinds.

    Modules are looked for in the program's own folder, as Python does when the program is run; those in
    `JOBS` are left out. Raises `ImportError` for a relative import, which would not be followed, for a
    kind without a module, and where `JOBS` is not there to be left out.
    """
    program = Path(program)
    root = program.parent
    if not (root / JOBS).is_dir():
        raise ImportError(f"{root / JOBS} is not there: what no result depends on would enter every digest.")
    pending, found = [program], set()
    for kind in kinds:
        if (module := _locate(root, kind)) is None:
            raise ImportError(f"there is no module {kind} below {root}.")
        pending.append(module)
    while pending:
        path = pending.pop()
        if path not in found and JOBS not in path.relative_to(root).parents:
            found.add(path)
            pending += [module for name in _parse(path)[1] if (module := _locate(root, name))]
    return sorted(found)


@cache
def _parse(path: Path) -> tuple[str, tuple[str, ...]]:
    """The dump of a file's syntax tree, and the names of all that it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    imported: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ImportError(
                    f"{path}, line {node.lineno}: write the import with the package's full name."
                )
            imported += [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            # A bare string at any place of a body is a docstring or a comment on what precedes it.
            node.body = [line for line in node.body if not _is_text(line)] or [ast.Pass()]
    return ast.dump(tree), tuple(imported)


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _locate(root: Path, module: str) -> Path | None:
    path = root.joinpath(*module.split(".")).with_suffix(".py")
    return path if path.is_file() else None


if __name__ == "__main__":
    print(*covered(*sys.argv[1:]), sep="\n")
