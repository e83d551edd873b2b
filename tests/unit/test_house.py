"""The walls of the house: which rooms of the library know of which others, and what no file may do.

The arrows are written by hand. A new one is a decision: write it down here, or find the room where the code belongs.
"""

import ast
import graphlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = Path("scripts/tunedrift")
FOR_ALL = ("errors", "files", "flags", "hashing", "paths")
"""Modules beside the rooms, which every room but `jobs` may use."""

ARROWS = {
    "jobs": "",
    "reuse": "",
    "text": "",
    "chats": "",
    "design": "",
    "sources": "",
    "tables": "design",
    "models": "",
    "study": "design sources",
    "embedded": "chats jobs",
    "instructions": "chats sources text",
    "variants": "chats design sources tables text",
    "adapters": "chats jobs models",
    "prompts": "sources tables",
    "responses": "chats jobs",
    "labels": "sources tables",
    "verdicts": "jobs reuse text",
    "preferences": "chats sources",
    "rewards": "chats design jobs models tables",
    "statistics": "text",
    "drift": "design statistics tables",
    "decisions": "design drift statistics tables",
    "agreement": "design drift statistics tables",
    "figures": "design",
    "report": "jobs tables text",
}
"""Room → the rooms that it may import."""

STAGES = [
    *("instructions", "variants", "adapters", "prompts", "responses", "labels"),
    *("verdicts", "preferences", "rewards"),
    *("statistics", "drift", "decisions", "agreement", "figures", "report"),
]
"""The stages in the order of the data."""

OF_MODELS = {"models", "adapters", "responses", "rewards", "embedded"}
"""Rooms that load models: statistics and whatever people look at do without them."""

LONGEST = 400


def imports(path: Path) -> list[tuple[int, str]]:
    """(line, module) of every import in a file; `from package import module` names the module."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found += [(node.lineno, f"{module}.{alias.name}") for alias in node.names]
    return found


def room_of(root: Path, path: Path) -> str:
    return path.relative_to(root / LIBRARY).parts[0].removesuffix(".py")


def arrows(root: Path) -> dict[tuple[str, str], str]:
    """(room, imported room) → where, for all modules of the library; modules beside the rooms count as rooms."""
    found = {}
    for path in sorted((root / LIBRARY).rglob("*.py")):
        for line, module in imports(path):
            parts = module.split(".")
            if parts[0] == "tunedrift" and parts[1] != room_of(root, path):
                found.setdefault((room_of(root, path), parts[1]), f"{path.relative_to(root)}, line {line}")
    return found


def module_graph(root: Path) -> dict[str, set[str]]:
    modules = {
        ".".join(path.relative_to(root / "scripts").with_suffix("").parts): path
        for path in (root / LIBRARY).rglob("*.py")
    }
    graph = {}
    for name, path in modules.items():
        named = {module for _, module in imports(path)}
        named |= {module.rpartition(".")[0] for module in named}
        graph[name] = {other for other in modules if other in named and other != name}
    return graph


def broken_walls(root: Path) -> Iterator[str]:
    """A sentence for every arrow that may not be, and for a circle."""
    for (room, other), where in arrows(root).items():
        if other == "study":
            yield f"{where}: nothing in the library imports study"
        elif room == "jobs" and other != "errors":
            yield f"{where}: jobs imports errors alone, not {other}"
        elif room in STAGES and other in STAGES and STAGES.index(other) > STAGES.index(room):
            yield f"{where}: {room} is an earlier stage than {other}"
        elif room in STAGES[STAGES.index("statistics") :] and other in OF_MODELS:
            yield f"{where}: {room} does without models, so without {other}"
        elif other not in FOR_ALL and other not in ARROWS.get(room, "").split():
            yield f"{where}: {room} does not import {other}"
    try:
        graphlib.TopologicalSorter(module_graph(root)).prepare()
    except graphlib.CycleError as error:
        yield f"a circle of imports: {' → '.join(error.args[1])}"


def broken_forms(root: Path) -> Iterator[str]:
    """A sentence for every import between programs or relative one, odd `__init__.py` and long file."""
    programs = {path.stem for path in (root / "scripts").glob("*.py")}
    for path in sorted((root / "scripts").rglob("*.py")):
        for line, module in imports(path):
            where = f"{path.relative_to(root)}, line {line}"
            if module.split(".")[0] in programs:
                yield f"{where}: a program is imported"
            if module.startswith("."):
                yield f"{where}: a relative import"
        if path.name == "__init__.py" and path.read_text(encoding="utf-8"):
            yield f"{path.relative_to(root)} is not empty"
    for folder in sorted({path.parent for path in (root / LIBRARY).rglob("*.py")}):
        if not (folder / "__init__.py").is_file():
            yield f"{folder.relative_to(root)} has no __init__.py"
    for pattern in ("scripts/**/*.py", "rules/*.smk", "Snakefile", "tests/**/*.py"):
        for path in sorted(root.glob(pattern)):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > LONGEST:
                yield f"{path.relative_to(root)} has {lines} lines"


def violations(root: Path) -> list[str]:
    return [*broken_walls(root), *broken_forms(root)]


def test_the_walls_stand():
    assert violations(ROOT) == []


def test_the_rooms_are_those_of_the_list_and_their_arrows_go_one_way():
    rooms = {path.name for path in (ROOT / LIBRARY).iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms == ARROWS.keys()
    graph = {room: set(others.split()) for room, others in ARROWS.items()}
    graphlib.TopologicalSorter(graph).prepare()
    assert sum(map(len, graph.values())) <= 75
    used = {pair for pair in arrows(ROOT) if pair[1] not in FOR_ALL}
    assert used == {(room, other) for room, others in graph.items() for other in others}


PLANTS = {
    "a room that it may not know": ("variants/cue.py", "from tunedrift.prompts import suites", "variants is an earlier"),
    "a room outside its list": ("prompts/attacks.py", "from tunedrift.text import words", "prompts does not import text"),
    "figures that load models": ("figures/style.py", "from tunedrift.models import loading", "figures does without models"),
    "statistics that load models": ("statistics/ranking.py", "import tunedrift.rewards.classifier", "does without models"),
    "agreement that loads models": ("agreement/scores.py", "from tunedrift.embedded import world", "does without models"),
    "the study in the library": ("tables/table.py", "from tunedrift.study import study", "imports study"),
    "jobs that compute": ("jobs/locks.py", "from tunedrift import hashing", "jobs imports errors alone"),
    "a later stage": ("instructions/layouts.py", "from tunedrift.variants import cell", "instructions is an earlier"),
    "a circle": ("variants/tally.py", "from tunedrift.variants import blocks", "a circle of imports"),
    "a program of another": ("tune.py", "import generate", "a program is imported"),
    "a relative import": ("drift/rates.py", "from . import measures", "a relative import"),
    "words in an __init__": ("drift/__init__.py", "VERSION = 1", "is not empty"),
    "a long file": ("text/words.py", "\n" * LONGEST, "text/words.py has"),
}  # fmt: skip


@pytest.mark.parametrize("case", PLANTS)
def test_a_planted_import_is_found(case, tmp_path):
    path, planted, said = PLANTS[case]
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / LIBRARY / path if "/" in path else tmp_path / "scripts" / path
    file.write_text(f"{file.read_text()}\n{planted}\n")
    [found] = violations(tmp_path)
    assert said in found
    assert re.search(rf"{file.stem}|{file.parent.name}", found)


def test_a_room_without_its_init_is_found(tmp_path):
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / LIBRARY / "drift/__init__.py").unlink()
    assert violations(tmp_path) == ["scripts/tunedrift/drift has no __init__.py"]


def test_rules_rooms_tables_and_tests_of_a_noun_share_its_word():
    for noun in ("models", *STAGES[: STAGES.index("statistics")]):
        assert (ROOT / f"rules/{noun}.smk").is_file(), noun
        assert (ROOT / LIBRARY / noun).is_dir(), noun
        # A model and an adapter are folders of weights, not tables.
        assert noun in ("models", "adapters") or (ROOT / LIBRARY / f"tables/{noun}.py").is_file(), noun
    for room in ARROWS:
        assert list((ROOT / "tests/unit" / room).glob("test_*.py")), f"{room} has no tests"


def test_programs_are_named_as_their_rules():
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "rules").glob("*.smk")))
    rules = set(re.findall(r"^(?:use )?rule (\w+)", text, re.M))
    called = set(re.findall(r'program\("(\w+)"\)', text))
    programs = {path.stem for path in (ROOT / "scripts").glob("*.py")}
    assert called <= programs
    by_hand = {"clean_store", "write_config_readme", "write_envs", "write_resources"}
    assert programs - called == by_hand
    # One program scores three kinds of subjects.
    assert called - rules == {"score"}
