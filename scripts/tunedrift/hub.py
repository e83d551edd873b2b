"""Files of a data set on the Hugging Face Hub, at one pinned revision."""

from pathlib import Path

from tunedrift.errors import UserError


def fetch(hub: str, revision: str, patterns: list[str]) -> list[str]:
    """Local paths of the files that the patterns name, sorted; downloaded where the hub's cache lacks them.

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
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    for pattern in patterns:
        if not any(path.is_file() for path in folder.glob(pattern)):
            raise UserError(f"{where} has no file {pattern!r}: correct the key file.")
    return sorted(map(str, found))
