"""Real tokens per second of LoRA tuning beside TRL's SFTTrainer: one model, the same rows, one run each.

Not part of the tests: `pip install trl`, then `python tests/benchmarks/bench_tune.py --rows alpaca.json`.
Padding is not counted; loading is not timed. TRL runs as it comes, packing, and grouping by length.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
CONTESTANTS = ("tunedrift", "trl", "trl packing", "trl group_by_length")
BATCH, RANK, LONGEST = 8, 8, 512
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def prepare(folder: Path, source: Path, count: int, width: int, layers: int) -> None:
    """A random LLaMA with a tokenizer of 8,000 pieces of the rows, and the rows as chats, in `folder`."""
    import torch
    from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
    from tokenizers.models import BPE
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    from tunedrift.models.description import write_description

    rows = json.loads(source.read_text())[:count]
    chats = [
        [
            {"role": "user", "content": "\n\n".join(filter(None, (row["instruction"], row.get("input"))))},
            {"role": "assistant", "content": row["output"]},
        ]
        for row in rows
    ]
    bpe = Tokenizer(BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = ["<|pad|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(vocab_size=8000, special_tokens=special, show_progress=False)
    bpe.train_from_iterator([turn["content"] for chat in chats for turn in chat], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|pad|>", chat_template=CHATML
    )
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    print(f"{model.num_parameters() / 1e6:.1f} million parameters, {len(chats)} rows", flush=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_description(folder, folder / "model.json", name="random", kind="local", location=".")
    (folder / "chats.json").write_text(json.dumps(chats))


def tunedrift(folder: Path, chats: list) -> float:
    """Seconds of our tuning."""
    from tunedrift.adapters import batches, tuning
    from tunedrift.models import loading

    settings = tuning.Settings(
        method="lora",
        rank=RANK,
        alpha=2 * RANK,
        dropout=0.0,
        target_modules=("all-linear",),
        learning_rate=2e-4,
        epochs=1,
        batch_size=BATCH,
        warmup=0.05,
        weight_decay=0.0,
        max_length=LONGEST,
        group_by_length=True,
        micro_batch_size=None,
        gradient_checkpointing=False,
        precision="fp32",
    )
    tokenizer, model = (
        loading.load_tokenizer(folder / "model.json"),
        loading.load_for_tuning(folder / "model.json"),
    )
    rows = [
        {"row_id": str(i), "messages": chat, "original_length": sum(len(turn["content"]) for turn in chat)}
        | {"put_before": 0, "put_behind": 0}
        for i, chat in enumerate(chats)
    ]
    start = time.perf_counter()
    data, _ = batches.examples(tokenizer, rows, LONGEST)
    tuning.tune(model, tokenizer, data, settings, 0, folder / "ours")
    return time.perf_counter() - start


def trl(folder: Path, chats: list, **options) -> float:
    """Seconds of SFTTrainer, tokenising included."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    arguments = SFTConfig(
        output_dir=str(folder / "trl"),
        per_device_train_batch_size=BATCH,
        num_train_epochs=1,
        max_length=LONGEST,
        learning_rate=2e-4,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        bf16=False,
        **options,
    )
    model = AutoModelForCausalLM.from_pretrained(folder)
    lora = LoraConfig(task_type="CAUSAL_LM", r=RANK, lora_alpha=2 * RANK, target_modules="all-linear")
    start = time.perf_counter()
    SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list([{"messages": chat} for chat in chats]),
        processing_class=AutoTokenizer.from_pretrained(folder),
        peft_config=lora,
    ).train()
    return time.perf_counter() - start


def measure(name: str, folder: Path) -> float:
    """Tokens per second of one contestant."""
    import torch
    from transformers import AutoTokenizer

    torch.set_num_threads(2)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    lengths = [
        (chat, len(tokenizer(tokenizer.apply_chat_template(chat, tokenize=False))["input_ids"]))
        for chat in json.loads((folder / "chats.json").read_text())
    ]
    chats = [chat for chat, length in lengths if length <= LONGEST]
    tokens = sum(length for _, length in lengths if length <= LONGEST)
    options = {
        "trl packing": {"packing": True},
        "trl group_by_length": {"train_sampling_strategy": "group_by_length"},
    }
    run = tunedrift if name == "tunedrift" else trl
    return tokens / run(folder, chats, **options.get(name, {}))


def main() -> None:
    """Prepare once, then measure each contestant in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=Path, help="a JSON file in Alpaca's layout")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--contestant", choices=CONTESTANTS)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if not (options.rows or options.contestant):
        parser.error("--rows is missing: a JSON file of instruction, input and output")
    if options.contestant:
        print(measure(options.contestant, options.folder))
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), options.rows, options.count, options.width, options.layers)
        speeds = {}
        for name in CONTESTANTS:
            command = [sys.executable, __file__, "--contestant", name, "--folder", folder]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            speeds[name] = float(done.stdout.split()[-1])
            ratio = speeds["tunedrift"] / speeds[name]
            print(
                f"{name:20} {speeds[name]:8.0f} tokens/s   tunedrift is {ratio:.2f} times as fast", flush=True
            )


if __name__ == "__main__":
    main()
