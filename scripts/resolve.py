"""Find a model on disk or on the hub once, and describe it in model.json."""

import argparse
from pathlib import Path

from tunedrift.errors import UserError
from tunedrift.jobs import cli


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


def main(args: argparse.Namespace) -> None:
    """Find the folder, check that a whole model is in it, hash what is loaded, write model.json."""
    from tunedrift.models.checks import check_folder
    from tunedrift.models.description import write_description
    from tunedrift.models.folder import IGNORED_ON_HUB
    from tunedrift.sources.hub import fetch_model

    if args.hub is not None:
        ignored = [
            *IGNORED_ON_HUB,
            *["*.bin"] * (not args.allow_pickle),
            *["*.py"] * (not args.trust_remote_code),
        ]
        folder = fetch_model(args.hub, args.revision or "main", ignored)
        # The snapshot folder bears the commit, so a branch name is pinned from here on.
        kind, location, revision = "hub", args.hub, folder.name
    else:
        folder = Path(args.path)
        if not folder.is_dir():
            raise UserError(
                f"model {args.name!r}: there is no folder {args.path}. Correct models.{args.name}.path."
            )
        kind, location, revision = "local", str(folder.resolve()), None
    check_folder(
        args.name,
        folder,
        template=args.template,
        allow_pickle=args.allow_pickle,
        trusted=args.trust_remote_code,
    )
    write_description(
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
