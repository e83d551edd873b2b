"""Digests of code: what a script does, without how it is written down.

A step reruns when its digest changes. Comments, layout, docstrings and modification times do not
enter it; a change in any local module that the script imports, however indirectly, does.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

ASIDE = ("tunedrift/devices.py", "tunedrift/progress.py")
"""Modules that no result depends on: where a job runs, and what it says meanwhile."""


def code_digest(script: str | Path) -> str:
    """Short hex digest of the syntax trees of `script` and of the local modules that it imports.

    Modules are looked for in the script's own folder, as Python does when the script is run; those
    in `ASIDE` are left out. Note
    that the dump of a syntax tree depends on Python's minor version.
    """
    script = Path(script)
    root = script.parent
    pending, trees = [script], {}
    while pending:
        path = pending.pop()
        if path not in trees and path.relative_to(root).as_posix() not in ASIDE:
            trees[path], imported = _parse(path)
            pending += [module for name in imported if (module := _locate(root, name))]
    digest = hashlib.sha256()
    for path in sorted(trees):
        digest.update(f"{path.relative_to(root)}\0{trees[path]}\0".encode())
    return digest.hexdigest()[:16]


@cache
def _parse(path: Path) -> tuple[str, tuple[str, ...]]:
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    imported = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
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
