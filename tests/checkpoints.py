"""Tiny random checkpoints of the real chat families: their architecture, special tokens and template's manner."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from tunedrift.models.description import write_description

TEXT = ["How do I plant a tree? Dig a hole. Then water it well.", "Be kind. user system assistant model"]


@dataclass(frozen=True)
class Family:
    """A family's class in transformers, its template, and the tokens by which its turns end."""

    architecture: str
    template: str
    special: tuple[str, ...]
    stop: str
    eos: str
    bos: str | None = None
    other_stops: tuple[str, ...] = ()
    config: dict = field(default_factory=dict)


def turns(
    opening: str, closing: str, reply: str, start: str = "", end: str = "", role: str = "message['role']"
) -> str:
    """A template whose turns are `opening` (with ROLE), the content and `closing`; `reply` opens an answer.

    `end` is written instead where no answer is opened.
    """
    opening = opening.replace("ROLE", f"' ~ ({role}) ~ '")
    return (
        f"{start}{{% for message in messages %}}{{{{ '{opening}' ~ message['content'] | trim ~ '{closing}' }}}}"
        f"{{% endfor %}}{{% if add_generation_prompt %}}{{{{ '{reply}' }}}}{{% else %}}{end}{{% endif %}}"
    )


INST = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'system' %}"
    "{{ '[INST] <<SYS>>\\n' ~ message['content'] ~ '\\n<</SYS>>\\n\\n' }}{% elif message['role'] == 'user' %}"
    "{{ ('' if loop.index0 and messages[loop.index0 - 1]['role'] == 'system' else '[INST] ') ~ message['content'] ~ ' [/INST]' }}"
    "{% else %}{{ ' ' ~ message['content'] ~ eos_token }}{% endif %}{% endfor %}"
)

# The system prompt stands in the last turn, and only where that is the user's.
MISTRAL = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}{% endif %}"
    "{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' }}"
    "{% if loop.last and system is defined %}{{ system ~ '\\n\\n' }}{% endif %}{{ message['content'] ~ ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' ' ~ message['content'] ~ eos_token }}{% endif %}{% endfor %}"
)

# An answer is opened with an empty thought when thinking is off; earlier answers keep no thought.
QWEN3 = (
    "{% for message in messages %}{{ '<|im_start|>' ~ message['role'] ~ '\\n' }}"
    "{% if message['role'] == 'assistant' and loop.last %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
    "{{ message['content'] ~ '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}"
)
CHATML = turns("<|im_start|>ROLE\\n", "<|im_end|>\\n", "<|im_start|>assistant\\n")
LLAMA3 = turns(
    "<|start_header_id|>ROLE<|end_header_id|>\\n\\n",
    "<|eot_id|>",
    "<|start_header_id|>assistant<|end_header_id|>\\n\\n",
    start="{{ bos_token }}",
)
GEMMA = turns(
    "<start_of_turn>ROLE\\n",
    "<end_of_turn>\\n",
    "<start_of_turn>model\\n",
    start="{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{{ bos_token }}",
    role="'model' if message['role'] == 'assistant' else message['role']",
)
GLM = turns("<|ROLE|>\\n", "", "<|assistant|>\\n", start="[gMASK]<sop>")
PHI = turns("<|ROLE|>\\n", "<|end|>\\n", "<|assistant|>\\n", end="{{ eos_token }}")

# An answer is opened unasked (the first release).
LLAMA3_FIRST = LLAMA3.replace("{% if add_generation_prompt %}", "{% if true %}")
# A thought is always opened, and a chat keeps none.
R1 = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}"
    "{{ '<|Assistant|>' ~ message['content'].split('</think>')[-1] ~ eos_token }}"
    "{% else %}{{ ('<|User|>' if message['role'] == 'user' else '') ~ message['content'] }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|Assistant|><think>\\n' }}{% endif %}"
)
# An answer stands in a channel, and the last one ends with another token than those before.
HARMONY = (
    "{% for message in messages %}{{ '<|start|>' ~ message['role'] }}{% if message['role'] == 'assistant' %}"
    "{{ '<|channel|>final' }}{% endif %}{{ '<|message|>' ~ message['content'] }}"
    "{{ '<|return|>' if loop.last and message['role'] == 'assistant' else '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant' }}{% endif %}"
)
# Words alone, no token.
FALCON = turns("ROLE: ", "\\n", "Assistant:", role="message['role'] | capitalize")

QWEN_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
GEMMA_TOKENS = ("<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>")
GLM_TOKENS = (
    "<|endoftext|>",
    "[gMASK]",
    "<sop>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|observation|>",
)
GLM_STOPS = ("<|user|>", "<|observation|>")


FAMILIES = {
    "llama2": Family("Llama", INST, ("<unk>", "<s>", "</s>"), "</s>", "</s>", "<s>"),
    "llama3": Family(
        "Llama",
        LLAMA3,
        ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        "<|eot_id|>",
        "<|eot_id|>",
        "<|begin_of_text|>",
    ),
    "llama3-first": Family(
        "Llama",
        LLAMA3_FIRST,
        ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        "<|eot_id|>",
        "<|eot_id|>",
        "<|begin_of_text|>",
    ),
    "r1-distill": Family("Llama", R1, ("<s>", "</s>", "<|User|>", "<|Assistant|>"), "</s>", "</s>", "<s>"),
    "harmony": Family(
        "Llama",
        HARMONY,
        ("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>"),
        "<|return|>",
        "<|return|>",
    ),
    "falcon2": Family("Llama", FALCON, ("<|endoftext|>",), "<|endoftext|>", "<|endoftext|>"),
    "mistral": Family("Mistral", MISTRAL, ("<unk>", "<s>", "</s>"), "</s>", "</s>", "<s>"),
    "glm": Family("Glm", GLM, GLM_TOKENS, "<|endoftext|>", "<|endoftext|>", None, GLM_STOPS, {"head_dim": 8}),
    "glm4": Family(
        "Glm4", GLM, GLM_TOKENS, "<|endoftext|>", "<|endoftext|>", None, GLM_STOPS, {"head_dim": 8}
    ),
    "qwen2.5": Family("Qwen2", CHATML, QWEN_TOKENS, "<|im_end|>", "<|im_end|>"),
    "qwen3": Family("Qwen3", QWEN3, QWEN_TOKENS, "<|im_end|>", "<|im_end|>", config={"head_dim": 8}),
    "gemma2": Family(
        "Gemma2",
        GEMMA,
        GEMMA_TOKENS,
        "<end_of_turn>",
        "<eos>",
        "<bos>",
        config={"head_dim": 8},
    ),
    "gemma3": Family(
        "Gemma3",
        GEMMA,
        GEMMA_TOKENS,
        "<end_of_turn>",
        "<eos>",
        "<bos>",
        config={"head_dim": 8},
    ),
    "phi3": Family(
        "Phi3",
        PHI,
        ("<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
        "<|end|>",
        "<|endoftext|>",
    ),
    "mixtral": Family(
        "Mixtral",
        INST,
        ("<unk>", "<s>", "</s>"),
        "</s>",
        "</s>",
        "<s>",
        config={"num_local_experts": 4, "num_experts_per_tok": 2},
    ),
    "qwen3-moe": Family(
        "Qwen3Moe",
        QWEN3,
        QWEN_TOKENS,
        "<|im_end|>",
        "<|im_end|>",
        config={"head_dim": 8, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32},
    ),
}


def tokenizer(family: Family) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer with the family's special tokens and template."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        TEXT,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=list(family.special),
            initial_alphabet=alphabet,
            show_progress=False,
        ),
    )
    pad = "<pad>" if "<pad>" in family.special else None  # most of them have none
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token=family.eos,
        bos_token=family.bos,
        pad_token=pad,
        chat_template=family.template,
    )


def save(name: str, folder: Path, reward: bool = False) -> Path:
    """A random chat or reward model of the family in `folder`; returns its model.json."""
    family, words = FAMILIES[name], tokenizer(FAMILIES[name])
    part = "TextConfig" if family.architecture == "Gemma3" else "Config"
    config = getattr(transformers, f"{family.architecture}{part}")(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=0.3,
        eos_token_id=words.eos_token_id,
        bos_token_id=words.bos_token_id,
        pad_token_id=words.pad_token_id,
        num_labels=1,
        **family.config,
    )
    torch.manual_seed(0)
    if reward:
        kind = "Gemma3Text" if family.architecture == "Gemma3" else family.architecture
        model = getattr(transformers, f"{kind}ForSequenceClassification")(config)
    else:
        model = getattr(transformers, f"{family.architecture}ForCausalLM")(config)
        # What closes a turn of Gemma's is a stop without being named as one.
        stops = {family.eos, *({family.stop} if name != "gemma2" else ()), *family.other_stops}
        model.generation_config.eos_token_id = sorted(map(words.convert_tokens_to_ids, stops))
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    write_description(folder, folder / "model.json", name=name, kind="local", location=".")
    return folder / "model.json"
