"""The decoding with a cache whose rows come and go: the same answers as `model.generate` gives one by one."""

import random

import pytest
import tiny
import torch
import transformers
from transformers import GenerationConfig

from tunedrift.responses import engine

WORDS = tiny.tokenizer()
VOCABULARY, PAD, STOP = len(WORDS), WORDS.pad_token_id, WORDS.eos_token_id
LIMIT = 12
SMALL = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.3,
}
HEADS = {**SMALL, "head_dim": 8}

PLAIN = {
    "Llama": SMALL,
    "Qwen2": SMALL,
    "Qwen3": HEADS,
    "Glm4": HEADS,
    "Mistral": {**SMALL, "sliding_window": None},
    "Mixtral": {**SMALL, "sliding_window": None, "num_local_experts": 4, "num_experts_per_tok": 2},
    "Gemma2": {**HEADS, "sliding_window": 4096},
    "GPT2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "initializer_range": 0.3},
    "GPTNeoX": {name: SMALL[name] for name in SMALL if name != "num_key_value_heads"},
    "Olmo2": SMALL,
    "Cohere": SMALL,
}
"""Architectures whose cache is keys and values of all tokens."""

OTHER = {
    "a sliding window": ("Mistral", {**SMALL, "sliding_window": 16}),
    "a sliding window in some layers": ("Gemma2", {**HEADS, "sliding_window": 16}),
    "chunks": ("Llama4Text", {**HEADS, "attention_chunk_size": 16, "num_local_experts": 2}),
    "states": (
        "Mamba",
        {"hidden_size": 32, "state_size": 8, "num_hidden_layers": 2, "initializer_range": 0.3},
    ),
    "states and attention": (
        "Lfm2",
        {**SMALL, "layer_types": ["conv", "full_attention"], "block_auto_adjust_ff_dim": False},
    ),
    "no position ids": ("Bloom", {"hidden_size": 32, "n_layer": 2, "n_head": 4, "initializer_range": 0.3}),
    "a step of its own": ("Phi3", SMALL),
    "frequencies of the longest row": (
        "Llama",
        {
            **SMALL,
            "max_position_embeddings": 16,
            "rope_parameters": {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10000.0},
        },
    ),
}
"""What a cache may hold or hang on beside them → architecture, its settings."""


def made(architecture, settings):
    torch.manual_seed(0)
    kind = architecture.removesuffix("Text") + ("TextConfig" if architecture.endswith("Text") else "Config")
    ids = {"eos_token_id": STOP, "pad_token_id": PAD, "bos_token_id": STOP}
    config = getattr(transformers, kind)(vocab_size=VOCABULARY, **ids, **settings)
    causal = "LMHeadModel" if architecture == "GPT2" else "ForCausalLM"
    name = architecture.removesuffix("Text")
    return getattr(transformers, name + causal)(config).eval()


def prompts():
    """Forty prompts of 2 to 60 ids: some begin alike, some twice so, some are the same, one is a whole beginning."""
    draw = random.Random(0)

    def ids(count):
        return [draw.randrange(3, VOCABULARY) for _ in range(count)]

    system, attack = ids(20), ids(18)
    alone = [ids(draw.randrange(2, 40)) for _ in range(10)]
    begun = [system + ids(draw.randrange(1, 12)) for _ in range(10)]
    attacked = [system + attack + ids(draw.randrange(1, 22)) for _ in range(14)]
    found = [*alone, *begun, *attacked, system + attack, *[attacked[3]] * 4, attacked[5]]
    draw.shuffle(found)
    return found


@pytest.fixture(scope="module")
def llama():
    return made("Llama", SMALL)


def one_by_one(model, asked, stops=(STOP,)):
    config = GenerationConfig(pad_token_id=PAD, eos_token_id=list(stops), max_new_tokens=LIMIT)
    answers = []
    for prompt in asked:
        given = torch.tensor([prompt])
        made = model.generate(given, attention_mask=torch.ones_like(given), generation_config=config)
        answers.append(made[0, len(prompt) :].tolist())
    return answers


def early_stops(model):
    """Stops by which some answers end before the limit."""
    return (
        STOP,
        *{ids[min(number, len(ids) - 1)] for number, ids in enumerate(one_by_one(model, prompts()[:8]))},
    )


def decoded(model, asked, size, by=engine.decode, stops=(STOP,), scores=lambda logits, _: logits):
    options = {"stops": set(stops), "pad": PAD, "max_new_tokens": LIMIT, "batch_size": size}
    answers = dict(by(model, asked, scores, **options))
    assert len(answers) == len(asked)
    return [answers[number] for number in range(len(asked))]


@pytest.mark.parametrize("architecture", PLAIN)
def test_a_plain_cache_answers_as_the_model_does_one_by_one(architecture):
    model = made(architecture, PLAIN[architecture])
    assert engine.fits(model, 60 + LIMIT)
    stops = early_stops(model)
    expected = one_by_one(model, prompts(), stops)
    assert len({len(ids) for ids in expected}) > 1
    assert decoded(model, prompts(), 9, stops=stops) == expected


@pytest.mark.parametrize("what", OTHER)
def test_any_other_cache_is_left_to_the_model(what):
    model = made(*OTHER[what])
    assert not engine.fits(model, 60 + LIMIT)


def test_what_is_left_to_the_model_is_answered_in_batches():
    model = made(*OTHER["a sliding window"])
    expected = one_by_one(model, prompts())
    assert decoded(model, prompts(), 9, by=engine.decode_in_batches) == expected


def test_a_window_that_the_longest_row_fits_into_is_none():
    model = made(*OTHER["a sliding window"])
    assert [engine.fits(model, longest) for longest in (16, 17)] == [True, False]
    asked = [[5, 6, 7], [8, 9]]
    assert decoded(model, asked, 2) == one_by_one(model, asked)


@pytest.mark.parametrize("size", [1, 2, 3, 8, 16, 40, 100])
def test_an_answer_does_not_hang_on_the_number_of_rows(llama, size):
    stops = early_stops(llama)
    assert decoded(llama, prompts(), size, stops=stops) == one_by_one(llama, prompts(), stops)


def test_an_adapter_beside_the_weights_counts(llama):
    import peft

    model = made("Llama", SMALL)
    adapted = peft.get_peft_model(model, peft.LoraConfig(init_lora_weights=False, r=8, lora_alpha=64))
    adapted.eval()
    assert engine.fits(adapted, 60 + LIMIT)
    expected = one_by_one(adapted, prompts())
    assert decoded(adapted, prompts(), 9) == expected
    assert expected != one_by_one(llama, prompts())


def test_a_learned_prompt_is_left_to_the_model():
    import peft

    config = peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4)
    assert not engine.fits(peft.get_peft_model(made("Llama", SMALL), config), 60 + LIMIT)


def test_the_scores_of_a_row_are_those_of_its_prompt(llama):
    asked = prompts()

    def scores(logits, numbers):
        assert logits.shape == (len(numbers), VOCABULARY)
        return torch.nn.functional.one_hot(torch.tensor(numbers) + 3, VOCABULARY)

    assert decoded(llama, asked, 7, scores=scores) == [[number + 3] * LIMIT for number in range(len(asked))]


@pytest.fixture
def passes(llama):
    """What the model is given, pass by pass: rows × new columns, and the size of its cache behind them."""
    seen = []

    def hook(_, __, given, output):
        [block] = {layer.keys.shape for layer in output.past_key_values.layers}
        seen.append((*given["input_ids"].shape, block))

    handle = llama.register_forward_hook(hook, with_kwargs=True)
    yield seen
    handle.remove()


def test_who_is_done_leaves_and_who_waits_takes_the_place(llama, passes):
    lengths = [2 if number % 2 else LIMIT for number in range(40)]
    said = dict.fromkeys(range(40), 0)

    def scores(logits, numbers):
        for number in numbers:
            said[number] += 1
        ends = [STOP if said[number] == lengths[number] else 5 for number in numbers]
        return torch.nn.functional.one_hot(torch.tensor(ends), VOCABULARY)

    asked = [[5 + number, 6] for number in range(40)]
    assert list(map(len, decoded(llama, asked, 8, scores=scores))) == lengths
    steps = [rows for rows, new, _ in passes if new == 1]
    assert max(steps) == 8
    assert sum(steps) == sum(lengths) - 40  # no row goes on behind its end
    assert len(steps) < 45  # five batches of eight would take 55


def test_what_prompts_begin_with_alike_is_computed_once(llama, passes):
    beginning = list(range(5, 45))
    asked = [[*beginning, 50 + number, 7] for number in range(16)]
    decoded(llama, asked, 8)
    prefill = sum(rows * new for rows, new, _ in passes if new > 1)
    assert prefill == len(beginning) + 2 * len(asked)


def test_a_prompt_that_is_repeated_is_computed_once_for_those_who_enter_together(llama, passes):
    asked = [[5, 6, 7, 8], [9, 6], *[[5, 6, 7, 8]] * 4]
    answers = decoded(llama, asked, 6)
    assert answers == one_by_one(llama, asked)
    assert passes[0][:2] == (2, 4)


def test_the_cache_holds_no_more_rows_than_asked_and_no_more_columns_than_the_longest_needs(llama, passes):
    asked = prompts() * 3
    decoded(llama, asked, 6)
    longest = max(map(len, asked)) + LIMIT
    assert {block[0] for *_, block in passes} == {6}
    assert max(block[2] for *_, block in passes) <= longest + engine.SLACK
    assert max(rows for rows, *_ in passes) == 6


def groups(asked, least):
    return [(shared, [asked[number] for number in group]) for shared, group in engine.groups(asked, least)]


def test_prompts_are_grouped_by_the_longest_beginning_that_enough_of_them_share():
    one, two = list(range(100, 120)), list(range(200, 230))
    begun = [[*one, n] for n in range(5)]
    deeper = [[*one, *two, n, n] for n in range(4)]
    alone = [[n, 1, 2] for n in range(3)]
    few = [[*two, n] for n in range(2)]
    found = groups([*alone, *begun, *deeper, *few], 4)
    assert found == [(50, deeper), (0, [*few, *alone]), (20, begun)]


def test_a_prompt_is_longer_than_what_it_shares():
    same = [list(range(30))] * 5
    assert groups(same, 4) == [(29, same)]
    whole = [list(range(30)), *([*range(30), n] for n in range(4))]
    assert {shared for shared, _ in groups(whole, 4)} == {29}
    assert groups([], 4) == []


def test_a_short_beginning_is_not_worth_it():
    short = [[*range(engine.WORTH_SHARING - 1), 40 + n, n] for n in range(9)]
    assert [shared for shared, _ in groups(short, 4)] == [0]
