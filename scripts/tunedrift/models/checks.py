"""What must hold of a model's folder before anything is done with the model: one sentence for whatever does not.

Every function raises `UserError`.
"""

import importlib.util
import json
import zipfile
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from tunedrift.errors import UserError
from tunedrift.models.folder import (
    CONFIG_FILES,
    TOKENIZER_FILES,
    parts,
    read_settings,
    read_template,
    template_of,
)

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

POINTERS = (b"version https://git-lfs", b"version https://hawser", b"# xet version")
"""How a small file begins that stands for a large one in a git repository."""

READERS = {"sentencepiece": "*.model", "tiktoken": "*.tiktoken"}
"""Library → the files of a tokenizer that transformers reads with it."""

AGAIN = "Fetch it again."


def check_folder(
    name: str,
    folder: Path,
    *,
    template: Path | None = None,
    allow_pickle: bool = False,
    trusted: bool = False,
) -> None:
    """Raise `UserError` unless the folder holds a whole model that transformers can load, with its tokenizer.

    `name` is the model's in the study. Weights are held against their own headers and never loaded; the tokenizer
    is loaded, and its template (or the one in the file `template`) has to write a chat of two turns.
    """
    where = f"model {name!r}: {folder}"
    found = parts(folder, "local", allow_pickle=allow_pickle, trusted=trusted)
    for path in folder.iterdir():
        if path.is_symlink() and not path.exists():
            raise UserError(f"{where}/{path.name} is a link to a file that is not there. {AGAIN}")
    for path in chain.from_iterable(found.values()):
        with path.open("rb") as file:
            if file.read(32).startswith(POINTERS):
                raise UserError(
                    f"{where}/{path.name} is a Git LFS pointer, not the file itself. Run `git lfs pull` in the folder."
                )
    check_architecture(name, folder, trusted=trusted)
    if (folder / "adapter_config.json").is_file():
        raise UserError(
            f"{where} holds an adapter (adapter_config.json), so that another model would be loaded under it. Merge "
            "the adapter into the model and save the whole."
        )
    for path in (*found["config"], *found["tokenizer"], *found["files"]):
        if path.name in (*CONFIG_FILES, *TOKENIZER_FILES, "vocab.json", "added_tokens.json") and (
            path.suffix == ".json"
        ):
            read_settings(path)
    if found["weights"]:  # else whoever describes the folder says what is missing
        _check_weights(where, folder, pickled=found["weights"][0].suffix == ".bin")
    _check_template(where, template_of(folder) if template is None else read_template(template))
    _check_tokenizer(where, folder, template, trusted=bool(found["code"]))


def check_architecture(name: str, folder: Path, *, trusted: bool) -> None:
    """Raise `UserError` if transformers has no code for the model, and none may be run that it brings."""
    from transformers import CONFIG_MAPPING

    if not (folder / "config.json").is_file():
        raise UserError(f"model {name!r}: {folder} holds no config.json, so there is no model in it.")
    config = read_settings(folder / "config.json")
    architecture = config.get("model_type")
    if trusted and "--" in str(config.get("auto_map")):
        raise UserError(
            f"model {name!r}: auto_map in {folder}/config.json names code in a repository of the hub, which may "
            "change. Copy that code into the folder, and remove what stands before -- from the names."
        )
    if str(architecture) in CONFIG_MAPPING or (trusted and "auto_map" in config):
        return
    if "auto_map" in config:
        raise UserError(
            f"model {name!r} brings Python code of its own ({architecture}). Read it, pin the revision that you "
            "have read, and set trust_remote_code: true; or choose a model that transformers knows."
        )
    raise UserError(
        f"model {name!r}: transformers does not know the architecture {architecture!r}. Choose another model."
    )


def _check_weights(where: str, folder: Path, *, pickled: bool) -> None:
    """The one file of weights, or each shard that the index names, is there and whole."""
    single = folder / ("pytorch_model.bin" if pickled else "model.safetensors")
    index = folder / f"{single.name}.index.json"
    if single.is_file():
        return _check_whole(where, single, set())
    if not index.is_file():
        raise UserError(
            f"{where} holds neither {single.name} nor {index.name}, so transformers finds no weights there. Save the "
            "model with save_pretrained, or fetch what is missing."
        )
    tensors = read_settings(index).get("weight_map")
    if not isinstance(tensors, dict) or not tensors:
        raise UserError(f"{where}/{index.name} names no files of weights. {AGAIN}")
    for shard in sorted(set(map(str, tensors.values()))):
        if Path(shard).name != shard:
            raise UserError(f"{where}/{index.name} names {shard}. Put all files of weights into one folder.")
        if not (folder / shard).is_file():
            raise UserError(f"{where} lacks {shard}, which {index.name} names. Fetch that file.")
        _check_whole(where, folder / shard, {tensor for tensor, file in tensors.items() if file == shard})
    return None


def _check_whole(where: str, path: Path, tensors: set[str]) -> None:
    """A file of weights is as long as its own header says, and holds the tensors.

    A safetensors file is the length of its header (8 bytes), the header (JSON: where each tensor begins and ends),
    and the tensors; see the format's description in its repository.
    """
    size = path.stat().st_size
    if path.suffix == ".bin":
        with path.open("rb") as file:
            zipped = file.read(2) == b"PK"
        if not size or (zipped and not zipfile.is_zipfile(path)):
            raise UserError(f"{where}/{path.name} is incomplete. {AGAIN}")
        return
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        text = file.read(length) if 8 + length <= size else b""
    try:
        header = json.loads(text)
        ends = [entry["data_offsets"][1] for tensor, entry in header.items() if tensor != "__metadata__"]
        needed = 8 + length + max(ends, default=0)
    except (ValueError, AttributeError, LookupError, TypeError) as error:
        raise UserError(
            f"{where}/{path.name} is damaged or incomplete: it has no safetensors header. {AGAIN}"
        ) from error
    if size != needed:
        raise UserError(f"{where}/{path.name} has {size} bytes and should have {needed}. {AGAIN}")
    if missing := sorted(tensors - header.keys()):
        raise UserError(
            f"{where}/{path.name} lacks {missing[0]}, which the index says is in it. Fetch both files again."
        )


def _check_template(where: str, template: object) -> None:
    if isinstance(template, list):
        named = [entry.get("name") for entry in template if isinstance(entry, dict)]
        if "default" not in named:
            raise UserError(
                f"{where} has the chat templates {', '.join(map(str, named))} and none called default. Name the file of "
                "one with `template`."
            )


def _check_tokenizer(where: str, folder: Path, template: Path | None, *, trusted: bool) -> None:
    """The tokenizer can be loaded, has a vocabulary, and its template can write a chat."""
    from transformers import AutoTokenizer
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # what goes wrong is said below, in one sentence
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=trusted, local_files_only=True)
    except Exception as error:  # of all kinds, from several libraries
        for library, pattern in READERS.items():
            alone = any(folder.glob(pattern)) and not (folder / "tokenizer.json").is_file()
            if alone and importlib.util.find_spec(library) is None:
                raise UserError(
                    f"{where}: its tokenizer cannot be read without {library}. `pip install {library}`, or save the "
                    "tokenizer as tokenizer.json on a machine that has it."
                ) from error
        said = " ".join(str(error).split())[:200]
        raise UserError(
            f"{where}: transformers cannot load its tokenizer ({type(error).__name__}: {said}). Repair its files, or "
            "fetch them again."
        ) from error
    finally:
        logging.set_verbosity(verbosity)
    if len(tokenizer.get_vocab()) <= len(tokenizer.get_added_vocab()) + 1:
        raise UserError(
            f"{where}: its tokenizer has no vocabulary. Put its tokenizer.json (or vocab.json, tokenizer.model …) there."
        )
    if template is not None:
        tokenizer.chat_template = read_template(template)
    if tokenizer.chat_template is not None:
        _check_rendering(where, tokenizer)


def _check_rendering(where: str, tokenizer: "PreTrainedTokenizerBase") -> None:
    """The template writes a chat, or says by itself why it does not: that may be for this chat alone."""
    from jinja2 import TemplateError, TemplateSyntaxError

    words = ("How do I plant a tree?", "Dig a hole.")
    as_text = [
        {"role": role, "content": text} for role, text in zip(("user", "assistant"), words, strict=True)
    ]
    as_parts = [{**turn, "content": [{"type": "text", "text": turn["content"]}]} for turn in as_text]
    raised: list[Exception] = []
    for chat in (as_text, as_parts):
        try:
            tokenizer.apply_chat_template(chat, tokenize=False, enable_thinking=False)
            return
        except Exception as error:  # whatever a template's own expressions may raise
            raised.append(error)
    first = raised[0]
    if isinstance(first, TemplateSyntaxError) or not isinstance(first, TemplateError):
        raise UserError(
            f"{where}: its chat template cannot write a chat without tools ({type(first).__name__}: {first}). Name a "
            "file with a template that can, with `template`."
        ) from first
