"""Remove answers, verdicts and scores from the store that no existing table was made from."""

import argparse
from pathlib import Path

from tunedrift.jobs import cli


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--store", type=Path, default=Path("work/store"), help="the store (default: %(default)s)"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    return parser


def main(args: argparse.Namespace) -> None:
    """Collect the garbage and say what was freed."""
    from tunedrift.reuse.garbage import collect_garbage

    removed, freed = collect_garbage(args.store, args.dry_run)
    print(f"{len(removed)} unused keys {'found' if args.dry_run else 'removed'}, {freed / 1e6:.1f} MB")


if __name__ == "__main__":
    cli.run(main, parser())
