"""Tiny random checkpoints of real architectures, made in a moment for tests."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedTokenizerFast,
)

from tunedrift.models.description import write_description

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXT = [
    "How do I plant a tree? First dig a hole. Then water it well.",
    "What is the capital of France? The capital of France is Paris.",
    "system user assistant",
]


def tokenizer(pad_is_eos: bool = False) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer with ChatML turns."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = ["<|pad|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        TEXT,
        trainers.BpeTrainer(
            vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token="<|im_end|>",
        pad_token="<|im_end|>" if pad_is_eos else "<|pad|>",
        chat_template=CHATML,
    )


class WithoutOffsets:
    """A tokenizer that does not say where a token lies, as those written in Python do not."""

    is_fast = False

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def __getattr__(self, name):
        return getattr(self.tokenizer, name)

    def __call__(self, text, **options):
        assert "return_offsets_mapping" not in options
        return self.tokenizer(text, **options)


def config(tokenizer: PreTrainedTokenizerFast, **more) -> LlamaConfig:
    """A LLaMA of two layers and width 32."""
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **more,
    )


def save_chat_model(folder: Path, seed: int = 0) -> Path:
    """A random chat model with tokenizer in `folder`; returns its model.json."""
    torch.manual_seed(seed)
    words = tokenizer()
    LlamaForCausalLM(config(words, initializer_range=0.3)).save_pretrained(folder)
    return _describe(folder, words)


def save_reward_model(folder: Path, seed: int = 0, pad_is_eos: bool = False, outputs: int = 1) -> Path:
    """A random reward model with tokenizer in `folder`; returns its model.json."""
    torch.manual_seed(seed)
    words = tokenizer(pad_is_eos)
    LlamaForSequenceClassification(config(words, num_labels=outputs)).save_pretrained(folder)
    return _describe(folder, words)


def _describe(folder: Path, words: PreTrainedTokenizerFast) -> Path:
    words.save_pretrained(folder)
    write_description(folder, folder / "model.json", name=folder.name, kind="embedded", location=".")
    return folder / "model.json"
