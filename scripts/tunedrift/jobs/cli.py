"""How every command-line program of the workflow starts and fails."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tunedrift.errors import UserError
from tunedrift.jobs.locks import hold

MACHINE_TROUBLE = {
    "No space left on device": "Free some space",
    "Disk quota exceeded": "Free some space",
    "Permission denied": "Give yourself the permission",
    "Read-only file system": "Make it writable",
}
"""What a machine may say → what to do about it."""


def run(main: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser) -> None:
    """Parse the command line and call `main`; a `UserError` or trouble of the machine's becomes one line.

    Programs that write to `--out` hold a lock on it, so that no two write there at once.
    """
    args = parser.parse_args()
    with plain_errors():
        if out := getattr(args, "out", None):
            hold(str(Path(out[0] if isinstance(out, list) else out).resolve()))
        main(args)


def add_tuned_model(parser: argparse.ArgumentParser) -> None:
    """The options that name a chat model, untuned or as one tuning left it."""
    parser.add_argument("--model", required=True, help="model.json of the chat model")
    parser.add_argument("--model-name", required=True, help="its name in the study")
    parser.add_argument("--tuning", required=True, help="untuned, or {dataset}/{variant}/seed{seed}")
    parser.add_argument(
        "--tuned",
        nargs="?",
        type=Path,
        help="adapter_model.safetensors, or model.safetensors of a model tuned whole; none for the untuned model",
    )


@contextmanager
def plain_errors() -> Iterator[None]:
    """Ends the program with one line for a `UserError` or trouble of the machine's."""
    try:
        yield
    except UserError as error:
        sys.exit(f"error: {error}")
    except Exception as error:
        # Libraries wrap these in errors of their own, so the words must do.
        trouble = next((words for words in MACHINE_TROUBLE if words in str(error)), None)
        if trouble is None:
            raise
        where = f"{file}: " if (file := getattr(error, "filename", None)) else ""
        sys.exit(f"error: {where}{trouble}. {MACHINE_TROUBLE[trouble]} and run the same command again.")
