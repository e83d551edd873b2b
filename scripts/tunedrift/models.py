"""Models on disk: what `model.json` says of one, and how it is loaded.

Heavy libraries are imported inside the functions: parsing a command line needs none of them.
"""

import hashlib
import importlib.util
import json
import re
import warnings
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from tunedrift import files
from tunedrift.errors import UserError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json")
CONFIG_FILES = ("config.json", "generation_config.json")

TODAY = date(2024, 7, 26)
"""What a template that writes the date is told: LLaMA 3's own default, and the same on every day of a study."""


def template_of(folder: Path) -> str | None:
    """The chat template that a model folder ships: its own file, else the tokenizer's setting."""
    own = folder / "chat_template.jinja"
    if own.is_file():
        return own.read_text(encoding="utf-8")
    settings = folder / "tokenizer_config.json"
    return files.read_json(settings).get("chat_template") if settings.is_file() else None


def write_description(
    folder: str | Path,
    out: str | Path,
    *,
    name: str,
    kind: str,
    location: str,
    revision: str | None = None,
    template: Path | None = None,
    allow_pickle: bool = False,
    trust_remote_code: bool = False,
) -> None:
    """Write `out` (a `model.json`): where a model lies and the digests of what it consists of.

    `folder` holds the files now. `kind` is `embedded`, `local` or `hub`; `location` is what loading
    needs later: the hub id, the path, or `.` for the folder of `model.json` itself. `template` is a file
    whose chat template takes the place of the model's own. `allow_pickle` also takes weights in PyTorch's
    pickle format, `trust_remote_code` a model that brings Python code; both are off unless asked for.
    Raises `UserError` if the folder has no weights or no tokenizer.
    """
    folder = Path(folder)
    weights = sorted(folder.glob("*.safetensors")) or (sorted(folder.glob("*.bin")) if allow_pickle else [])
    tokenizer = [folder / file for file in TOKENIZER_FILES if (folder / file).is_file()]
    config = [folder / file for file in CONFIG_FILES if (folder / file).is_file()]
    code = sorted(folder.glob("*.py")) if trust_remote_code else []
    if not weights:
        raise UserError(
            f"model {name!r}: {folder} holds no *.safetensors weights. Convert the model to safetensors, or set "
            "allow_pickle if you trust where it comes from."
        )
    if not tokenizer and not code:
        raise UserError(
            f"model {name!r}: {folder} holds no tokenizer. Save the model's tokenizer beside its weights."
        )
    own_template = template.read_text(encoding="utf-8") if template else None
    chat_template = own_template or template_of(folder)
    described = {
        "name": name,
        "kind": kind,
        "location": location,
        "revision": revision,
        "weights": files.sha256(*weights),
        "config": files.sha256(*config),
        "tokenizer": files.sha256(*tokenizer),
        "template": chat_template and hashlib.sha256(json.dumps(chat_template).encode()).hexdigest(),
    }
    if own_template:
        described["chat_template"] = own_template
    if weights[0].suffix == ".bin":
        described["allow_pickle"] = True
    if code:
        described["code"] = files.sha256(*code)
    files.write_json(out, described)


def identity(model_json: str | Path) -> dict[str, str]:
    """The digests by which a described model is known: weights, settings, tokenizer, template, and code that it brings."""
    described = files.read_json(model_json)
    parts = ("weights", "config", "tokenizer", "template", "code")
    return {part: described[part] for part in parts if part in described}


def source(model_json: str | Path) -> dict:
    """What `from_pretrained` needs to load the model or its tokenizer: its path or hub id, the revision, what is allowed."""
    described = files.read_json(model_json)
    allowed = {"trust_remote_code": "code" in described}
    if described["kind"] == "hub":
        if not _in_cache(described["location"], described["revision"]):
            raise UserError(
                f"model {described['name']!r}: the local cache no longer holds {described['location']}. "
                f"Delete {model_json} and run again."
            )
        return {
            "pretrained_model_name_or_path": described["location"],
            "revision": described["revision"],
            "local_files_only": True,
            **allowed,
        }
    folder = Path(model_json).parent / described["location"]
    weights = "*.bin" if "allow_pickle" in described else "*.safetensors"
    if not any(folder.glob(weights)):
        raise UserError(
            f"model {described['name']!r}: the weights in {folder} are gone. Delete {model_json} and run again."
        )
    return {"pretrained_model_name_or_path": str(folder), **allowed}


def _in_cache(hub: str, revision: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(hub, "config.json", revision=revision), str)


def load_tokenizer(model_json: str | Path, template: str | Path | None = None) -> "PreTrainedTokenizerBase":
    """The model's tokenizer, with a padding token that is not silently the stop token.

    Its chat template is that of the file `template`, else that of `model.json`, else its own; one that
    writes the date of the day writes a fixed one.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(**source(model_json))
    described = files.read_json(model_json)
    if template is not None:
        tokenizer.chat_template = Path(template).read_text(encoding="utf-8")
    elif "chat_template" in described:
        tokenizer.chat_template = described["chat_template"]
    if tokenizer.chat_template is None:
        raise UserError(
            f"{model_json}: the model has no chat template. Choose an instruction-tuned model, name a file "
            "with its `template`, or put a chat_template.jinja beside its tokenizer."
        )
    tokenizer.chat_template = re.sub(
        r"""strftime_now\(\s*(["'])(.*?)\1\s*\)""",
        lambda call: repr(TODAY.strftime(call[2])),
        tokenizer.get_chat_template(),
    )
    if tokenizer.pad_token is None:
        # Masks, not ids, decide what counts, so a shared id does no harm here.
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_chat_model(model_json: str | Path, tuned: str | Path | None = None) -> "PreTrainedModel":
    """The causal language model in evaluation mode, spread over the devices at hand.

    `tuned` is what a tuning left: `adapter_model.safetensors` or `model.safetensors`. In float32 an
    adapter is merged (the same answers, faster); in lower precision merging would round the weights,
    so the adapter stays beside them.
    """
    import torch
    from transformers import AutoModelForCausalLM

    adapter = tuned and Path(tuned).name.startswith("adapter")
    where = {**_weights(model_json), "dtype": _dtype()}
    if tuned and not adapter:
        where = {**where, "pretrained_model_name_or_path": str(Path(tuned).parent), "use_safetensors": True}
    model = AutoModelForCausalLM.from_pretrained(**where, **placement())
    if adapter:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, str(Path(tuned).parent))
        if model.dtype == torch.float32:
            model = model.merge_and_unload()
    return model.eval()


def tuned_digest(tuned: Path) -> str:
    """The digest of tuned weights and of the settings beside them."""
    settings = ("adapter_config.json",) if tuned.name.startswith("adapter") else CONFIG_FILES
    return files.sha256(tuned, *map(tuned.with_name, settings))


def load_for_tuning(model_json: str | Path, *, four_bit: bool = False) -> "PreTrainedModel":
    """The causal language model on one device, as it was saved or, for QLoRA, in 4-bit NormalFloat.

    The 4-bit format, its double quantisation and what is computed in follow Dettmers et al. 2023
    (arXiv 2305.14314). Raises `UserError` where that needs a GPU or a library that is not there.
    """
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    more = {}
    if four_bit:
        if not torch.cuda.is_available():
            raise UserError("tuning.method qlora needs a GPU, and there is none here. Set it to lora.")
        if importlib.util.find_spec("bitsandbytes") is None:
            raise UserError(
                "tuning.method qlora needs bitsandbytes: `pip install -r envs/requirements-qlora.txt`."
            )
        more["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=getattr(torch, half_precision()),
        )
    return AutoModelForCausalLM.from_pretrained(**_weights(model_json), **more, device_map=_one_device())


def load_reward_model(model_json: str | Path) -> "PreTrainedModel":
    """The sequence-classification reward model (one output) in evaluation mode, spread over the devices at hand."""
    from transformers import AutoModelForSequenceClassification

    where = {**_weights(model_json), "dtype": _dtype()}
    model = AutoModelForSequenceClassification.from_pretrained(**where, **placement())
    if model.config.num_labels != 1:
        raise UserError(
            f"{model_json}: a reward model has one output, this one has {model.config.num_labels}. "
            "Choose a model whose head gives a single score."
        )
    return model.eval()


def _weights(model_json: str | Path) -> dict:
    """What `from_pretrained` needs to load weights in the precision that they were saved in."""
    quieten()
    pickled = "allow_pickle" in files.read_json(model_json)
    return {**source(model_json), "use_safetensors": not pickled, "dtype": "auto"}


def half_precision() -> str:
    """`bfloat16` where the GPU computes in it, `float16` on an older one, which could only imitate it."""
    import torch

    return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"


def _dtype() -> "str | torch.dtype":
    """What answers and scores are computed in: what a model was saved in, or float32 on a processor."""
    import torch

    return "auto" if torch.cuda.is_available() else torch.float32


def placement() -> dict:
    """Where `from_pretrained` puts a model: on the one device, or in layers on all GPUs in sight."""
    import torch

    return {"device_map": "auto" if torch.cuda.device_count() > 1 else _one_device()}


def _one_device() -> dict:
    import torch

    # By its number: this may be one of several processes with a device each.
    return {"": torch.cuda.current_device() if torch.cuda.is_available() else "cpu"}


def quieten() -> None:
    """Keep progress bars, and a warning of PEFT's making, out of the log; all else that libraries say stays."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)


def device() -> str:
    """`cuda` where there is a GPU, else `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
