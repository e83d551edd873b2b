"""Models on disk: what `model.json` says of one, and how it is loaded.

Heavy libraries are imported inside the functions: parsing a command line needs none of them.
"""

import hashlib
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from tunedrift import files
from tunedrift.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json")


def template_of(folder: Path) -> str | None:
    """The chat template that a model folder ships: its own file, else the tokenizer's setting."""
    own = folder / "chat_template.jinja"
    if own.is_file():
        return own.read_text(encoding="utf-8")
    settings = folder / "tokenizer_config.json"
    return files.read_json(settings).get("chat_template") if settings.is_file() else None


def write_description(
    folder: str | Path, out: str | Path, *, name: str, kind: str, location: str, revision: str | None = None
) -> None:
    """Write `out` (a `model.json`): where a model lies and the digests of what it consists of.

    `folder` holds the files now. `kind` is `embedded`, `local` or `hub`; `location` is what loading
    needs later: the hub id, the path, or `.` for the folder of `model.json` itself.
    Raises `UserError` if the folder has no safetensors weights or no tokenizer.
    """
    folder = Path(folder)
    weights = sorted(folder.glob("*.safetensors"))
    tokenizer = [folder / file for file in TOKENIZER_FILES if (folder / file).is_file()]
    if not weights:
        raise UserError(
            f"model {name!r}: {folder} holds no *.safetensors weights. Convert the model to safetensors."
        )
    if not tokenizer:
        raise UserError(
            f"model {name!r}: {folder} holds no tokenizer. Save the model's tokenizer beside its weights."
        )
    template = template_of(folder)
    files.write_json(
        out,
        {
            "name": name,
            "kind": kind,
            "location": location,
            "revision": revision,
            "weights": files.sha256(*weights),
            "tokenizer": files.sha256(*tokenizer),
            "template": template and hashlib.sha256(json.dumps(template).encode()).hexdigest(),
        },
    )


def identity(model_json: str | Path) -> dict[str, str]:
    """The digests by which a described model is known: weights, tokenizer and template."""
    described = files.read_json(model_json)
    return {part: described[part] for part in ("weights", "tokenizer", "template")}


def source(model_json: str | Path) -> dict:
    """What `from_pretrained` needs to load the model: its path or hub id, and the revision."""
    described = files.read_json(model_json)
    if described["kind"] == "hub":
        return {
            "pretrained_model_name_or_path": described["location"],
            "revision": described["revision"],
            "local_files_only": True,
        }
    folder = Path(model_json).parent / described["location"]
    if not any(folder.glob("*.safetensors")):
        raise UserError(
            f"model {described['name']!r}: the weights in {folder} are gone. Delete {model_json} and run again."
        )
    return {"pretrained_model_name_or_path": str(folder)}


def load_tokenizer(model_json: str | Path) -> "PreTrainedTokenizerBase":
    """The model's tokenizer, with a padding token that is not silently the stop token."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(**source(model_json))
    if tokenizer.chat_template is None:
        raise UserError(
            f"{model_json}: the model has no chat template. Choose an instruction-tuned model, "
            "or put a chat_template.jinja beside its tokenizer."
        )
    if tokenizer.pad_token is None:
        # Masks, not ids, decide what counts, so a shared id does no harm here.
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_chat_model(model_json: str | Path, adapter: str | Path | None = None) -> "PreTrainedModel":
    """The causal language model in evaluation mode on the device at hand, under its LoRA adapter.

    In float32 the adapter is merged (the same answers, faster); in lower precision merging would
    round the weights, so the adapter stays beside them.
    """
    import torch
    from transformers import AutoModelForCausalLM

    quieten()
    model = AutoModelForCausalLM.from_pretrained(**source(model_json), dtype="auto")
    if adapter is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, str(adapter))
        if model.dtype == torch.float32:
            model = model.merge_and_unload()
    return model.to(device()).eval()


def load_reward_model(model_json: str | Path) -> "PreTrainedModel":
    """The sequence-classification reward model (one output) in evaluation mode on the device at hand."""
    from transformers import AutoModelForSequenceClassification

    quieten()
    model = AutoModelForSequenceClassification.from_pretrained(**source(model_json), dtype="auto")
    if model.config.num_labels != 1:
        raise UserError(
            f"{model_json}: a reward model has one output, this one has {model.config.num_labels}. "
            "Choose a model whose head gives a single score."
        )
    return model.to(device()).eval()


def quieten() -> None:
    """Keep progress bars, and a warning of PEFT's making, out of the log; all else that libraries say stays."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)


def device() -> str:
    """`cuda` where there is a GPU, else `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
