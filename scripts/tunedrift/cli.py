"""How every command-line program of the workflow starts and fails."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tunedrift.errors import UserError
from tunedrift.locks import hold


def run(main: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser) -> None:
    """Parse the command line and call `main`; a `UserError` becomes one line and exit status 1.

    Programs that write to `--out` hold a lock on it, so that no two write there at once.
    """
    args = parser.parse_args()
    try:
        if out := getattr(args, "out", None):
            hold(str(Path(out[0] if isinstance(out, list) else out).resolve()))
        main(args)
    except UserError as error:
        sys.exit(f"error: {error}")
