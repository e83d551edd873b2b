import copy

import pytest
import tiny
from transformers import GenerationConfig

from tunedrift.chats import template, thoughts
from tunedrift.errors import UserError
from tunedrift.models import loading
from tunedrift.responses import generation, sampling

PROMPTS = [
    "How do I plant a tree?",
    "France?",
    "What is the capital of France? First water it well.",
    "dig",
    "Paris is",
]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    model_json = tiny.save_chat_model(tmp_path_factory.mktemp("chat"))
    return loading.load_chat_model(model_json), loading.load_tokenizer(model_json)


def requests(samples=0):
    texts = [f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n" for text in PROMPTS]
    return [
        generation.Request(f"{i}/{sample}", text, sample)
        for i, text in enumerate(texts)
        for sample in range(samples + 1)
    ]


def answers(loaded, requests, **options):
    made = generation.generate(*loaded, requests, max_new_tokens=12, **options)
    return {answer.name: answer for answer in made}


def test_a_batched_greedy_answer_is_the_unbatched_one(loaded):
    assert answers(loaded, requests(), batch_size=5) == answers(loaded, requests(), batch_size=1)


def test_a_greedy_answer_is_the_argmax_of_each_step(loaded):
    model, tokenizer = loaded
    import torch

    ids = template.encode(tokenizer, requests()[0].text)
    start = len(ids)
    while (len(ids) < start + 12 and ids[-1] != tokenizer.eos_token_id) or len(ids) == start:
        with torch.no_grad():
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    expected = tokenizer.decode(ids[start:], skip_special_tokens=True).strip()
    assert answers(loaded, requests())["0/0"].text == expected


def test_logits_that_are_no_numbers_are_an_error_and_no_answer(loaded):
    model, tokenizer = copy.deepcopy(loaded[0]), loaded[1]
    model.lm_head.weight.data[7, 3] = float("nan")
    with pytest.raises(UserError, match=r"logits that are no numbers.* Fetch its weights again"):
        answers((model, tokenizer), requests())


def test_of_a_models_own_settings_only_the_stop_tokens_count(loaded):
    plain, (model, tokenizer) = answers(loaded, requests(samples=1)), loaded
    first = template.encode(tokenizer, "dig")[0]
    own = copy.deepcopy(model)
    for name, value in {"repetition_penalty": 1.5, "no_repeat_ngram_size": 1, "top_k": 2}.items():
        setattr(own.generation_config, name, value)
    assert answers((own, tokenizer), requests(samples=1)) == plain
    assert first not in generation.stop_tokens(own, tokenizer)
    own.generation_config.eos_token_id = first
    assert first in generation.stop_tokens(own, tokenizer)


def test_what_closes_a_trained_turn_is_a_stop_and_no_part_of_the_answer(loaded):
    model, tokenizer = copy.deepcopy(loaded[0]), copy.deepcopy(loaded[1])
    [closing] = tokenizer.convert_tokens_to_ids(["<|im_start|>"])  # here no token that the settings name
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message['role'] ~ ': ' ~ message['content'] ~ '<|im_start|>' }}{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    assert generation.stop_tokens(model, tokenizer) >= {closing, tokenizer.eos_token_id}
    assert closing not in generation.stop_tokens(*loaded)
    model.generation_config.eos_token_id = None
    assert generation.stop_tokens(model, tokenizer) == {closing, tokenizer.eos_token_id}


def test_neither_a_stop_nor_words_that_close_a_turn_are_part_of_the_answer(loaded):
    model, tokenizer = copy.deepcopy(loaded[0]), copy.deepcopy(loaded[1])
    import torch

    ids = template.encode(tokenizer, requests()[0].text)
    made = []
    for _ in range(4):
        with torch.no_grad():
            made.append(int(model(torch.tensor([ids + made])).logits[0, -1].argmax()))
    assert len({*made}) == 4 and tokenizer.eos_token_id not in made
    model.generation_config.eos_token_id = made[3]
    assert answers((model, tokenizer), requests())["0/0"].text == tokenizer.decode(made[:3]).strip()
    cut = answers((model, tokenizer), requests(), closings={made[1]})["0/0"]
    assert (cut.text, cut.finish, cut.tokens) == (tokenizer.decode(made[:1]).strip(), "stop", 2)
    model.generation_config.eos_token_id = made[3]  # generating has written all stops there
    end = tokenizer.decode(made[2:3]).strip()
    tokenizer.chat_template = tiny.CHATML.replace("<|im_end|>", f"{end}<|im_end|>")
    assert answers((model, tokenizer), requests())["0/0"].text == tokenizer.decode(made[:2]).strip()


def test_a_sampled_answer_does_not_depend_on_its_batch(loaded):
    together = answers(loaded, requests(samples=3), batch_size=20)
    alone = answers(loaded, requests(samples=3), batch_size=1)
    assert together == alone
    assert len({together[f"0/{sample}"].text for sample in range(4)}) == 4


def test_another_seed_samples_other_answers_but_the_same_greedy_ones(loaded):
    first, second = answers(loaded, requests(1), seed=0), answers(loaded, requests(1), seed=1)
    assert all(first[f"{i}/0"] == second[f"{i}/0"] for i in range(len(PROMPTS)))
    assert any(first[f"{i}/1"] != second[f"{i}/1"] for i in range(len(PROMPTS)))


def test_samples_follow_the_softmax():
    import torch

    scores = torch.log(torch.tensor([[0.5, 0.3, 0.2]])).repeat(4000, 1)
    generators = [sampling.row_generator(str(row), torch.device("cpu")) for row in range(len(scores))]
    drawn = sampling.GumbelNoise(generators, temperature=1.0)(None, scores).argmax(1)
    shares = torch.bincount(drawn, minlength=3) / len(scores)
    assert torch.allclose(shares, torch.tensor([0.5, 0.3, 0.2]), atol=0.03)


def test_a_cut_answer_is_flagged_and_counted(loaded):
    for answer in answers(loaded, requests(samples=3)).values():
        assert (answer.finish == "length") <= (answer.tokens == 12)
        assert answer.tokens <= 12
    assert {answer.finish for answer in answers(loaded, requests(samples=3)).values()} >= {"length"}


class Says:
    """A model that says given words to every prompt."""

    device = "cpu"

    def __init__(self, tokenizer, text):
        self.said, self.generation_config = template.encode(tokenizer, text), GenerationConfig()

    def generate(self, input_ids, max_new_tokens, **_):
        import torch

        said = torch.tensor([self.said[:max_new_tokens]] * len(input_ids))
        return torch.cat([input_ids, said], dim=1)


def said_by_a_reasoning_model(text, limit):
    tokenizer = tiny.tokenizer()
    tokenizer.add_tokens(["<think>", "</think>"])
    [made] = generation.generate(
        Says(tokenizer, text), tokenizer, [generation.Request("a", "dig")], max_new_tokens=limit
    )
    return made.thought, made.text, made.finish


def test_a_thought_is_no_part_of_the_answer_and_is_kept():
    text = "<think>\nFirst water it?\n</think>\n\nFirst dig a hole.<|im_end|>"
    assert said_by_a_reasoning_model(text, 100) == ("First water it?", "First dig a hole.", "stop")


def test_a_thought_that_is_cut_leaves_an_empty_answer():
    thought, answer, finish = said_by_a_reasoning_model("<think>\nFirst water it?\n</think>\n\nDig.", 6)
    assert (answer, finish) == ("", "length")
    assert thought and "First water it?".startswith(thought)


def test_the_marks_of_the_template_of_the_tuning_count_too():
    tokenizer = tiny.tokenizer()
    marks = (thoughts.Marks("<t>", "</t>", ("<t>", "</t>")),)
    asked = [generation.Request("a", "dig")]
    says = Says(tokenizer, "<t>Hm.</t>Dig.<|im_end|>")
    [plain] = generation.generate(says, tokenizer, asked, max_new_tokens=100)
    says = Says(tokenizer, "<t>Hm.</t>Dig.<|im_end|>")
    [parted] = generation.generate(says, tokenizer, asked, max_new_tokens=100, marks=marks)
    assert (plain.thought, plain.text) == (None, "<t>Hm.</t>Dig.")
    assert (parted.thought, parted.text) == ("Hm.", "Dig.")
