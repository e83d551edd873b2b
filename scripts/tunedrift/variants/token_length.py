"""Length in a model's tokens."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from tunedrift.errors import UserError
from tunedrift.files import read_json

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def tokenizer_file(model_json: str | Path) -> Path:
    """The tokenizer.json of a described model. Raises `UserError` where it has none."""
    described = read_json(model_json)
    if described["kind"] == "hub":
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(
            described["location"], "tokenizer.json", revision=described["revision"]
        )
        path = Path(found) if isinstance(found, str) else None
    else:
        path = Path(model_json).parent / described["location"] / "tokenizer.json"
    if path is None or not path.is_file():
        raise UserError(
            f"model {described['name']!r} has no tokenizer.json: take another length_model, or null for word pieces."
        )
    return path


def token_counter(path: str | Path) -> Callable[[str], int]:
    """A measure of length in tokens of the tokenizer in a `tokenizer.json`. Raises `UserError`."""
    _tokenizer(str(path))
    return partial(_count_tokens, str(path))


def _count_tokens(path: str, text: str) -> int:
    return len(_tokenizer(path).encode(text, add_special_tokens=False).ids)


@cache
def _tokenizer(path: str) -> "Tokenizer":
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(path)
    except Exception as error:  # the library raises nothing narrower
        raise UserError(f"{path} cannot be read as a tokenizer: {error}.") from error
