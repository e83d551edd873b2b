"""Where rows come from: files here, or files of a data set on the Hugging Face Hub at one pinned revision."""

import argparse
import re
from pathlib import Path

from tunedrift.errors import UserError
from tunedrift.sources.finding import find_files


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """The options by which a program is told where its rows are."""
    parser.add_argument("--path", nargs="*", default=[], help="files, or patterns such as 'data/*.jsonl'")
    parser.add_argument("--hub", help="a data set's id on the Hugging Face Hub, instead of a path")
    parser.add_argument("--revision", help="the full commit of the hub's data set")
    parser.add_argument("--file", nargs="+", default=[], help="files of the hub's data set, or patterns")


def source(options: argparse.Namespace, name: str) -> list[str]:
    """The files that the source options name, downloaded where needed. Raises `UserError` unless there is one source."""
    if bool(options.path) == bool(options.hub):
        raise UserError(f"{name}: give either --path or --hub with --revision and --file.")
    return fetch_dataset(options.hub, options.revision, options.file) if options.hub else options.path


def pinned(revision: str) -> bool:
    """Whether a revision is a full commit: a branch, a tag or a shortened commit may name something else tomorrow."""
    return re.fullmatch("[0-9a-f]{40}", revision) is not None


def fetch_dataset(hub: str, revision: str, patterns: list[str]) -> list[str]:
    """Local paths of the files that the patterns name, sorted; downloaded where the hub's cache lacks them.

    Says so where the revision is not pinned, and which commit was read.

    Raises `UserError` where the hub refuses, cannot be reached, or has no such file.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    where = f"{hub}@{revision}"
    try:
        folder = Path(snapshot_download(hub, repo_type="dataset", revision=revision, allow_patterns=patterns))
    except HFValidationError as error:
        raise UserError(f"{hub!r} is no hub id: write owner/name.") from error
    except GatedRepoError as error:
        raise UserError(
            f"{where} is gated: accept its licence on its page, and log in with `hf auth login`."
        ) from error
    except RevisionNotFoundError as error:
        raise UserError(
            f"{hub} has no revision {revision!r}: take a commit from the history on its page."
        ) from error
    except RepositoryNotFoundError as error:
        raise UserError(
            f"the hub has no data set {hub!r}, or hides it: correct the id, or log in with `hf auth login`."
        ) from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        wanted = " ".join(f"--include '{pattern}'" for pattern in patterns)
        raise UserError(
            f"{where} is not in the hub's cache and the hub cannot be reached. On a machine with a connection run "
            f"`hf download {hub} --repo-type dataset --revision {revision} {wanted}`, then copy its cache here."
        ) from error
    if not pinned(revision):
        print(
            f"{where} is not pinned: this run reads {folder.name}. Write the full commit, from the data set's page under "
            "Files and versions, History, as revision into the study."
        )
    found: set[Path] = set()
    for pattern in patterns:
        try:
            found.update(find_files([str(folder / pattern)]))
        except UserError as error:
            raise UserError(f"{where} has no file {pattern!r}: correct the key file.") from error
    return sorted(map(str, found))


def fetch_model(hub: str, revision: str, ignored: list[str]) -> Path:
    """The local snapshot of a hub model, downloaded where it is not yet in the hub's cache, but for `ignored` patterns.

    Raises `UserError` where the id is none, the hub refuses, or it cannot be reached.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
    )

    try:
        return Path(snapshot_download(hub, revision=revision, ignore_patterns=ignored))
    except HFValidationError as error:
        raise UserError(f"{hub!r} is no hub id: write owner/name.") from error
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
