"""What `model.json` says of a model: where it lies, and the digests by which it is known."""

from pathlib import Path

from tunedrift import files
from tunedrift.errors import UserError
from tunedrift.models.folder import CONFIG_FILES, digests, parts, read_template, template_digest

PARTS = ("weights", "config", "tokenizer", "template", "code", "files")
"""What a model is known by; `code` and `files` are there only where a model has some."""


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
    Raises `UserError` if the folder has no weights or nothing that could be a tokenizer.
    """
    folder = Path(folder)
    found = parts(folder, kind, allow_pickle=allow_pickle, trusted=trust_remote_code, but=Path(out))
    if not found["weights"]:
        raise UserError(
            f"model {name!r}: {folder} holds no *.safetensors weights. Convert the model to safetensors, or set "
            "allow_pickle if you trust where it comes from."
        )
    if not any(found[part] for part in ("tokenizer", "code", "files")):
        raise UserError(
            f"model {name!r}: {folder} holds no tokenizer. Save the model's tokenizer beside its weights."
        )
    described: dict[str, str | bool | None] = {
        "name": name,
        "kind": kind,
        "location": location,
        "revision": revision,
        **digests(folder, found),
    }
    if template:
        text = read_template(template)
        described |= {"chat_template": text, "template": template_digest(text)}
    if found["weights"][0].suffix == ".bin":
        described["allow_pickle"] = True
    files.write_json(out, described)


def identity(model_json: str | Path) -> dict[str, str]:
    """The digests by which a described model is known, part by part."""
    described = files.read_json(model_json)
    return {part: described[part] for part in PARTS if part in described}


def source(model_json: str | Path) -> dict:
    """What `from_pretrained` needs to load the model or its tokenizer: its path or hub id, the revision, what is allowed.

    Raises `UserError` if the files are gone, or are no longer those that `model_json` describes. That costs a look
    at the times of a few files; whatever changed since it was last read is read again (see `folder.digest`).
    """
    described = files.read_json(model_json)
    allowed = {"trust_remote_code": "code" in described}
    if described["kind"] == "hub":
        folder = _in_cache(described["location"], described["revision"])
        if folder is None:
            raise UserError(
                f"model {described['name']!r}: the local cache no longer holds {described['location']}. "
                f"Delete {model_json} and run again."
            )
        _check_unchanged(model_json, described, folder)
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
    _check_unchanged(model_json, described, folder)
    return {"pretrained_model_name_or_path": str(folder), **allowed}


def _in_cache(hub: str, revision: str) -> Path | None:
    """The folder of the hub's cache that holds a model at a revision."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(hub, "config.json", revision=revision)
    return Path(found).parent if isinstance(found, str) else None


def _check_unchanged(model_json: str | Path, described: dict, folder: Path) -> None:
    allowed = {"allow_pickle": "allow_pickle" in described, "trusted": "code" in described}
    now = digests(folder, parts(folder, described["kind"], **allowed, but=Path(model_json)))
    if "chat_template" in described:
        now["template"] = described["template"]  # the model's own is not used
    if changed := [part for part in PARTS if now.get(part) != described.get(part)]:
        raise UserError(
            f"model {described['name']!r}: {' and '.join(changed)} in {folder} changed after {model_json} was "
            f"written. Delete {model_json} and run again."
        )


def tuned_digest(tuned: Path) -> str:
    """The digest of tuned weights and of the settings beside them."""
    settings = ("adapter_config.json",) if tuned.name.startswith("adapter") else CONFIG_FILES
    return files.sha256(tuned, *map(tuned.with_name, settings))
