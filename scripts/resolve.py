"""Find a model on disk or on the hub once, and describe it in model.json."""

import argparse
from pathlib import Path

from tunedrift import cli
from tunedrift.errors import UserError


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="the model's name in the study")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--path", help="folder of a local model")
    where.add_argument("--hub", help="hub id of a model")
    parser.add_argument("--revision", help="commit, tag or branch of a hub model")
    parser.add_argument("--template", type=Path, help="file with a chat template in place of the model's own")
    parser.add_argument(
        "--allow-pickle", action="store_true", help="also take weights in PyTorch's pickle format"
    )
    parser.add_argument(
        "--trust-remote-code", action="store_true", help="run the Python code that the model brings"
    )
    parser.add_argument("--out", required=True, help="model.json to write")
    return parser


def fetch(hub: str, revision: str, more: list[str]) -> Path:
    """The local snapshot of a hub model, downloaded where it is not yet in the hub's cache; `more` are patterns of files."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    wanted = ["*.json", "*.safetensors", "*.model", "*.jinja", "*.txt", *more]
    twice = ["original/*", "consolidated*"]  # the same weights in their makers' own format
    try:
        return Path(snapshot_download(hub, revision=revision, allow_patterns=wanted, ignore_patterns=twice))
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        if isinstance(error, HfHubHTTPError):
            raise UserError(
                f"{hub}@{revision}: the hub refuses ({type(error).__name__}). Check the id and the revision, "
                "accept the model's licence on its page, and log in with `hf auth login`."
            ) from error
        raise UserError(
            f"{hub}@{revision} is not in the local cache and the hub cannot be reached. "
            f"On a machine with a connection run `hf download {hub} --revision {revision}`, then copy its cache here."
        ) from error


def check_architecture(name: str, folder: Path, *, trusted: bool) -> None:
    """Raise `UserError` if transformers has no code for the model, and none may be run that it brings."""
    from transformers import CONFIG_MAPPING

    from tunedrift import files

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


def main(args: argparse.Namespace) -> None:
    """Find the folder, hash what is in it, write model.json."""
    from tunedrift import models

    if args.hub:
        more = ["*.bin"] * args.allow_pickle + ["*.py"] * args.trust_remote_code
        folder = fetch(args.hub, args.revision or "main", more)
        # The snapshot folder bears the commit, so a branch name is pinned from here on.
        kind, location, revision = "hub", args.hub, folder.name
    else:
        folder = Path(args.path)
        if not folder.is_dir():
            raise UserError(
                f"model {args.name!r}: there is no folder {args.path}. Correct models.{args.name}.path."
            )
        kind, location, revision = "local", str(folder.resolve()), None
    check_architecture(args.name, folder, trusted=args.trust_remote_code)
    models.write_description(
        folder,
        args.out,
        name=args.name,
        kind=kind,
        location=location,
        revision=revision,
        template=args.template,
        allow_pickle=args.allow_pickle,
        trust_remote_code=args.trust_remote_code,
    )


if __name__ == "__main__":
    cli.run(main, parser())
