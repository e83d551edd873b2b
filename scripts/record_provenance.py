"""Record what a study's tables were made with: settings, versions, commit, machine, digests."""

import argparse
import hashlib
import json
import platform
from pathlib import Path

from tunedrift import paths
from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="the whole study as JSON")
    parser.add_argument(
        "--requirements", default=paths.own("envs/requirements.txt"), type=Path, help="the pins"
    )
    parser.add_argument("--models", nargs="+", required=True, type=Path, help="model.json of every model")
    parser.add_argument("--datasets", nargs="+", required=True, type=Path, help="instruction tables")
    parser.add_argument("--rows", nargs="+", required=True, type=Path, help="tables of answers and scores")
    parser.add_argument(
        "--finals",
        nargs="+",
        required=True,
        type=Path,
        help="final tables, figures and summary, to be read back",
    )
    parser.add_argument("--out", required=True, help="JSON file to write")
    return parser


def main(args: argparse.Namespace) -> None:
    """Read the final results back, collect, write."""
    from tunedrift import files
    from tunedrift.report import finals, provenance
    from tunedrift.reuse import versions

    config = json.loads(args.config)
    files.write_json(
        args.out,
        {
            "config": config,
            "config_sha256": hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest(),
            "commit": provenance.commit(paths.HOME),
            "python": platform.python_version(),
            "versions": versions.versions(*provenance.pinned(args.requirements)),
            "rows_made_with": versions.made_with(args.rows),
            "hardware": provenance.hardware(),
            "models": {path.parent.name: files.read_json(path) for path in args.models},
            "datasets": {path.stem: files.sha256(path) for path in args.datasets},
            "finals": finals.digests(args.finals),
        },
    )


if __name__ == "__main__":
    cli.run(main, parser())
