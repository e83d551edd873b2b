"""How every command-line program of the workflow starts and fails."""

import argparse
import sys
from collections.abc import Callable

from tunedrift.errors import UserError


def run(main: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser) -> None:
    """Parse the command line and call `main`; a `UserError` becomes one line and exit status 1."""
    try:
        main(parser.parse_args())
    except UserError as error:
        sys.exit(f"error: {error}")
