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
    parser.add_argument("--out", required=True, help="model.json to write")
    return parser


def fetch(hub: str, revision: str) -> Path:
    """The local snapshot of a hub model, downloaded where it is not yet in the hub's cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    wanted = ["*.json", "*.safetensors", "*.model", "*.jinja", "*.txt"]
    try:
        return Path(snapshot_download(hub, revision=revision, allow_patterns=wanted))
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


def main(args: argparse.Namespace) -> None:
    """Find the folder, hash what is in it, write model.json."""
    from tunedrift import models

    if args.hub:
        folder = fetch(args.hub, args.revision or "main")
        # The snapshot folder bears the commit, so a branch name is pinned from here on.
        kind, location, revision = "hub", args.hub, folder.name
    else:
        folder = Path(args.path)
        if not folder.is_dir():
            raise UserError(
                f"model {args.name!r}: there is no folder {args.path}. Correct models.{args.name}.path."
            )
        kind, location, revision = "local", str(folder.resolve()), None
    models.write_description(
        folder, args.out, name=args.name, kind=kind, location=location, revision=revision
    )


if __name__ == "__main__":
    cli.run(main, parser())
