"""Which files of a model's folder are loaded, part by part, and the digests of each part."""

import contextlib
import hashlib
import json
import re
import time
from pathlib import Path

from tunedrift import files
from tunedrift.errors import UserError

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json")
CONFIG_FILES = ("config.json", "generation_config.json")
TEMPLATE_FILE = "chat_template.jinja"

MORE_TEMPLATES = "additional_chat_templates"
"""The one folder within a model's folder that transformers reads."""

WEIGHTS = {
    *(".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".ggml", ".h5", ".msgpack", ".ot", ".npz"),
    *(".onnx", ".onnx_data", ".tflite", ".mlmodel", ".distcp", ".llamafile"),
}
"""Endings of files with weights, in whatever format; those that are loaded are a part of their own."""

OF_TOKENIZER = re.compile("token|vocab|merges|spiece|sentencepiece|bpe", re.IGNORECASE)
"""In the names of files that a tokenizer reads, even with an ending of `WEIGHTS`."""

DOCUMENTATION = re.compile(
    r"\..*|.*\.(md|rst|pdf|png|jpe?g|gif|webp|svg|html|log|ipynb|bib|cff)"
    r"|(licen[cs]e|notice|copying|readme|use_policy|citation|changelog|authors)[\w-]*(\.txt)?",
    re.IGNORECASE,
)
"""Names of files that are for people, and hidden ones."""

IGNORED_ON_HUB = [
    *(f"*{ending}" for ending in sorted(WEIGHTS - {".safetensors", ".bin"})),
    *("*.md", "*.pdf", "*.png", "*.jp*g", "*.gif", "*.webp", "*.svg", "*.html", "*.ipynb", "*.zip", "*.tar*"),
    *("original/*", "consolidated*"),  # the same weights in their makers' own format
]
"""What is not downloaded with a model of the hub."""

SEEN = Path("work/digests")
"""The folder in which it is noted which digest files had when they were last read."""

SETTLED = 2.0
"""Seconds after which a change of a file surely shows in its times, whatever the file system's clock."""


def parts(
    folder: Path, kind: str, *, allow_pickle: bool = False, trusted: bool = False, but: Path | None = None
) -> dict[str, list[Path]]:
    """Part of a model → its files in `folder`, sorted; a part without files is an empty list.

    `weights`, `config`, `tokenizer` and `template` are found by their names, `code` (where the model's own is
    `trusted`) by its ending. `files` is all else but documentation and weights in other formats: whatever a
    tokenizer may read. An embedded model has none, for what is in its folder is of our own making. `but` is a file
    that is left out.
    """
    left_out = but and but.resolve()
    there = [path for path in sorted(folder.iterdir()) if path.is_file() and path.resolve() != left_out]
    own = {path.name: path for path in there}
    pickled = [path for path in there if path.suffix == ".bin"] if allow_pickle else []
    found = {
        "weights": [path for path in there if path.suffix == ".safetensors"] or pickled,
        "config": [own[name] for name in CONFIG_FILES if name in own],
        "tokenizer": [own[name] for name in TOKENIZER_FILES if name in own],
        "template": [own[TEMPLATE_FILE]] if TEMPLATE_FILE in own else [],
        "code": sorted(folder.rglob("*.py")) if trusted else [],
        "files": [],
    }
    if kind != "embedded":
        listed = {path for paths in found.values() for path in paths}
        there += sorted(path for path in (folder / MORE_TEMPLATES).glob("*") if path.is_file())
        found["files"] = [
            path
            for path in there
            if path not in listed
            and (path.suffix not in WEIGHTS or OF_TOKENIZER.search(path.name))
            and path.suffix not in (".py", ".pyc")
            and not DOCUMENTATION.fullmatch(path.name)
        ]
    return found


def digests(folder: Path, found: dict[str, list[Path]]) -> dict[str, str | None]:
    """Part of a model → the digest of its files; `template` by its text, None where there is none.

    `code` and `files` are there only if the model has some: models without are known by the other parts.
    """
    template = template_of(folder)
    made: dict[str, str | None] = {part: digest(found[part]) for part in ("weights", "config", "tokenizer")}
    made["template"] = template_digest(template) if template else None
    if found["code"]:
        made["code"] = digest(found["code"])
    if found["files"]:
        names = [path.relative_to(folder).as_posix() for path in found["files"]]
        made["files"] = hashlib.sha256(json.dumps([names, digest(found["files"])]).encode()).hexdigest()
    return made


def digest(paths: list[Path]) -> str:
    """`files.sha256` of the paths, read only if one of them may have changed since it was last read.

    A file is taken for unchanged where its size, both its times and its inode are. The time of the last change of
    an inode cannot be set by a program, so a file that was given its old modification time is read again. What
    was read is noted under `SEEN`, which may be deleted.
    """
    if not paths:
        return files.sha256()
    names = json.dumps([str(path.resolve()) for path in paths])
    note = SEEN / f"{hashlib.sha256(names.encode()).hexdigest()[:32]}.json"
    before = _state(paths)
    try:
        seen = json.loads(note.read_text(encoding="utf-8"))
        if seen["state"] == before:
            return seen["sha256"]
    except (OSError, ValueError, LookupError, TypeError):
        pass  # not yet read, or not to be read: a note is worth its time alone
    found = files.sha256(*paths)
    settled = all(time.time_ns() - changed > SETTLED * 1e9 for *_, changed, _ in before)
    if settled and _state(paths) == before:
        with contextlib.suppress(OSError):  # a folder that cannot be written to
            files.write_json(note, {"state": before, "sha256": found})
    return found


def _state(paths: list[Path]) -> list[list[int]]:
    """Size, modification time, time of the inode's last change and inode of each file."""
    stats = [path.stat() for path in paths]
    return [[stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino] for stat in stats]


def template_digest(template: str | list) -> str:
    """The digest by which a chat template is known."""
    return hashlib.sha256(json.dumps(template).encode()).hexdigest()


def template_of(folder: Path) -> str | list | None:
    """The chat template that a model folder ships: its own file, else the tokenizer's setting.

    A list if there are several with names, None if there is none.
    """
    own = folder / TEMPLATE_FILE
    if own.is_file():
        return read_template(own)
    settings = folder / "tokenizer_config.json"
    return read_settings(settings).get("chat_template") if settings.is_file() else None


def read_template(path: Path) -> str:
    """The text of a chat template, without a byte-order mark. Raises `UserError` if it is absent, empty or not UTF-8."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UserError(f"chat template {path}: there is no such file. Correct the path.") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"chat template {path} is not UTF-8 (byte {error.start}). Save it as UTF-8."
        ) from error
    if not text.strip():
        raise UserError(f"chat template {path} is empty. Write the template into it, or name another file.")
    return text


def read_settings(path: Path) -> dict:
    """The JSON mapping in a file of somebody's model. Raises `UserError` if there is none in it."""
    settings = files.read_json(path, remedy="Repair the file, or fetch it again.")
    if not isinstance(settings, dict):
        raise UserError(f"{path} holds no JSON mapping. Repair the file, or fetch it again.")
    return settings
