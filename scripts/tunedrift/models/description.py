"""What `model.json` says of a model: where it lies, and the digests by which it is known."""

import hashlib
import json
from pathlib import Path

from tunedrift import files
from tunedrift.errors import UserError

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json")
CONFIG_FILES = ("config.json", "generation_config.json")


def template_of(folder: Path) -> str | None:
    """The chat template that a model folder ships: its own file, else the tokenizer's setting."""
    own = folder / "chat_template.jinja"
    if own.is_file():
        return own.read_text(encoding="utf-8")
    settings = folder / "tokenizer_config.json"
    return files.read_json(settings).get("chat_template") if settings.is_file() else None


def write_description(
    folder: str | Path,
    out: str | Path,
    *,
    name: str,
    kind: str,
    location: str,
    revision: str | None = None,
    template: Path | None = None,
    allow_pickle: bool = False,
    trust_remote_code: bool = False,
) -> None:
    """Write `out` (a `model.json`): where a model lies and the digests of what it consists of.

    `folder` holds the files now. `kind` is `embedded`, `local` or `hub`; `location` is what loading
    needs later: the hub id, the path, or `.` for the folder of `model.json` itself. `template` is a file
    whose chat template takes the place of the model's own. `allow_pickle` also takes weights in PyTorch's
    pickle format, `trust_remote_code` a model that brings Python code; both are off unless asked for.
    Raises `UserError` if the folder has no weights or no tokenizer.
    """
    folder = Path(folder)
    weights = sorted(folder.glob("*.safetensors")) or (sorted(folder.glob("*.bin")) if allow_pickle else [])
    tokenizer = [folder / file for file in TOKENIZER_FILES if (folder / file).is_file()]
    config = [folder / file for file in CONFIG_FILES if (folder / file).is_file()]
    code = sorted(folder.glob("*.py")) if trust_remote_code else []
    if not weights:
        raise UserError(
            f"model {name!r}: {folder} holds no *.safetensors weights. Convert the model to safetensors, or set "
            "allow_pickle if you trust where it comes from."
        )
    if not tokenizer and not code:
        raise UserError(
            f"model {name!r}: {folder} holds no tokenizer. Save the model's tokenizer beside its weights."
        )
    own_template = template.read_text(encoding="utf-8") if template else None
    chat_template = own_template or template_of(folder)
    described: dict[str, str | bool | None] = {
        "name": name,
        "kind": kind,
        "location": location,
        "revision": revision,
        "weights": files.sha256(*weights),
        "config": files.sha256(*config),
        "tokenizer": files.sha256(*tokenizer),
        "template": chat_template and hashlib.sha256(json.dumps(chat_template).encode()).hexdigest(),
    }
    if own_template:
        described["chat_template"] = own_template
    if weights[0].suffix == ".bin":
        described["allow_pickle"] = True
    if code:
        described["code"] = files.sha256(*code)
    files.write_json(out, described)


def identity(model_json: str | Path) -> dict[str, str]:
    """The digests by which a described model is known: weights, settings, tokenizer, template, and code that it brings."""
    described = files.read_json(model_json)
    parts = ("weights", "config", "tokenizer", "template", "code")
    return {part: described[part] for part in parts if part in described}


def source(model_json: str | Path) -> dict:
    """What `from_pretrained` needs to load the model or its tokenizer: its path or hub id, the revision, what is allowed."""
    described = files.read_json(model_json)
    allowed = {"trust_remote_code": "code" in described}
    if described["kind"] == "hub":
        if not _in_cache(described["location"], described["revision"]):
            raise UserError(
                f"model {described['name']!r}: the local cache no longer holds {described['location']}. "
                f"Delete {model_json} and run again."
            )
        return {
            "pretrained_model_name_or_path": described["location"],
            "revision": described["revision"],
            "local_files_only": True,
            **allowed,
        }
    folder = Path(model_json).parent / described["location"]
    weights = "*.bin" if "allow_pickle" in described else "*.safetensors"
    if not any(folder.glob(weights)):
        raise UserError(
            f"model {described['name']!r}: the weights in {folder} are gone. Delete {model_json} and run again."
        )
    return {"pretrained_model_name_or_path": str(folder), **allowed}


def _in_cache(hub: str, revision: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(hub, "config.json", revision=revision), str)


def tuned_digest(tuned: Path) -> str:
    """The digest of tuned weights and of the settings beside them."""
    settings = ("adapter_config.json",) if tuned.name.startswith("adapter") else CONFIG_FILES
    return files.sha256(tuned, *map(tuned.with_name, settings))


def check_architecture(name: str, folder: Path, *, trusted: bool) -> None:
    """Raise `UserError` if transformers has no code for the model, and none may be run that it brings."""
    from transformers import CONFIG_MAPPING

    if not (folder / "config.json").is_file():
        raise UserError(f"model {name!r}: {folder} holds no config.json, so there is no model in it.")
    config = files.read_json(folder / "config.json")
    architecture = config.get("model_type")
    if architecture in CONFIG_MAPPING or (trusted and "auto_map" in config):
        return
    if "auto_map" in config:
        raise UserError(
            f"model {name!r} brings Python code of its own ({architecture}). Read it, pin the revision that you "
            "have read, and set trust_remote_code: true; or choose a model that transformers knows."
        )
    raise UserError(
        f"model {name!r}: transformers does not know the architecture {architecture!r}. Choose another model."
    )
