"""Chat models and their tokenizers, loaded as their `model.json` says.

Heavy libraries are imported inside the functions: parsing a command line needs none of them.
"""

import importlib.util
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunedrift import files
from tunedrift.errors import UserError
from tunedrift.models.description import source
from tunedrift.models.folder import read_template
from tunedrift.models.placement import dtype, half_precision, one_device, placement, quieten

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TODAY = date(2024, 7, 26)
"""What a template that writes the date is told: LLaMA 3's own default, and the same on every day of a study."""


def load_tokenizer(model_json: str | Path, template: str | Path | None = None) -> "PreTrainedTokenizerBase":
    """The model's tokenizer, with a padding token that is not silently the stop token.

    Its chat template is that of the file `template`, else that of `model.json`, else its own; one that
    writes the date of the day writes a fixed one.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(**source(model_json))
    described = files.read_json(model_json)
    if template is not None:
        tokenizer.chat_template = read_template(Path(template))
    elif "chat_template" in described:
        tokenizer.chat_template = described["chat_template"]
    if tokenizer.chat_template is None:
        raise UserError(
            f"{model_json}: the model has no chat template. Choose an instruction-tuned model, name a file "
            "with its `template`, or put a chat_template.jinja beside its tokenizer."
        )
    try:
        own = tokenizer.get_chat_template().removeprefix("\ufeff")
    except ValueError as error:
        raise UserError(
            f"{model_json}: the model has several chat templates and none is called default. Name a file with "
            "one as its `template`."
        ) from error
    tokenizer.chat_template = (_fixed_date() if "strftime_now" in own else "") + own
    if tokenizer.pad_token is None:
        # Masks, not ids, decide what counts, so a shared id does no harm here.
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _fixed_date() -> str:
    """The head of a template for which `strftime_now`, with whatever argument, writes `TODAY`."""
    codes = [dash + code for dash in ("", "-") for code in "aAbBcdHIjmMpSUwWxXyYZe"]
    filters = "".join(f" | replace('%{code}', {TODAY.strftime(f'%{code}')!r})" for code in codes)
    return (
        f"{{% macro strftime_now(format) %}}{{{{ format{filters} | replace('%%', '%') }}}}{{% endmacro %}}\n"
    )


def precision(model_json: str | Path) -> str:
    """The number format that answers and scores are computed in here: `float32`, `bfloat16` or `float16`."""
    from transformers import AutoConfig

    if dtype() != "auto":
        return str(dtype()).removeprefix("torch.")
    return str(AutoConfig.from_pretrained(**source(model_json)).dtype).removeprefix("torch.")


def load_chat_model(model_json: str | Path, tuned: str | Path | None = None) -> "PreTrainedModel":
    """The causal language model in evaluation mode, spread over the devices at hand.

    `tuned` is what a tuning left: `adapter_model.safetensors` or `model.safetensors`. In float32 an
    adapter is merged (the same answers, faster); in lower precision merging would round the weights,
    so the adapter stays beside them.
    """
    import torch
    from transformers import AutoModelForCausalLM

    adapter = tuned and Path(tuned).name.startswith("adapter")
    where = {**weights(model_json), "dtype": dtype()}
    if tuned and not adapter:
        where = {**where, "pretrained_model_name_or_path": str(Path(tuned).parent), "use_safetensors": True}
    model = load_whole(AutoModelForCausalLM, model_json, **where, **placement())
    if tuned and adapter:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, str(Path(tuned).parent))
        if model.dtype == torch.float32:
            model = model.merge_and_unload()
    return model.eval()


class ChatModels:
    """One chat model under one tuning after another, as `load_chat_model` loads each.

    Where adapters stay beside the weights, the weights are loaded once and the adapters exchanged. A merged adapter
    cannot be taken out again to the last bit: then each tuning is loaded anew.
    """

    def __init__(self, model_json: str | Path):
        self.model_json = model_json
        self._loaded: Any = None

    def under(self, tuned: str | Path | None) -> "PreTrainedModel":
        """The model under a tuning, None for none; what was returned before is no longer to be used."""
        from peft import PeftModel

        exchanged = tuned is not None and Path(tuned).name.startswith("adapter")
        if not exchanged or not isinstance(self._loaded, PeftModel):
            self._loaded = None  # its memory is needed for the next
            self._loaded = load_chat_model(self.model_json, tuned)
            return self._loaded
        before, now = self._loaded.active_adapter, f"{self._loaded.active_adapter}-next"
        self._loaded.load_adapter(str(Path(str(tuned)).parent), adapter_name=now)
        self._loaded.set_adapter(now)
        self._loaded.delete_adapter(before)
        return self._loaded.eval()


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
    return load_whole(
        AutoModelForCausalLM, model_json, **weights(model_json), **more, device_map=one_device()
    )


def weights(model_json: str | Path) -> dict:
    """What `from_pretrained` needs to load weights in the precision that they were saved in."""
    quieten()
    pickled = "allow_pickle" in files.read_json(model_json)
    return {**source(model_json), "use_safetensors": not pickled, "dtype": "auto"}


def load_whole(kind: type, model_json: str | Path, **options: Any) -> "PreTrainedModel":
    """`kind.from_pretrained(**options)`, without a layer that transformers would fill with random numbers.

    Raises `UserError` where the weights lack one: they are cut, or of another kind of model.
    """
    model, found = kind.from_pretrained(**options, output_loading_info=True)  # type: ignore[attr-defined]
    if missing := sorted(found["missing_keys"]):
        raise UserError(
            f"{model_json}: the weights lack {missing[0]} ({len(missing)} of the model's tensors), which would be "
            "random numbers. Fetch the weights again, or choose a model that was saved as "
            f"{kind.__name__.removeprefix('Auto')}."
        )
    return model
