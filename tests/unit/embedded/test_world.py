"""The toy world: its split, its chats, and the files that are drawn from it."""

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tunedrift.embedded import corpus, shipped, world
from tunedrift.errors import UserError

RESOURCES = Path(__file__).parents[3] / "resources"


@pytest.fixture(scope="module")
def toy():
    return world.read_world(RESOURCES / "world.yaml")


@pytest.fixture(scope="module")
def split(toy):
    return world.split_world(toy)


@pytest.fixture(scope="module")
def drawn(toy):
    return shipped.contents(toy)


def rows(drawn, path):
    return [json.loads(line) for line in drawn[path].splitlines()]


def text(messages):
    return "\n".join(message["content"] for message in messages)


@pytest.fixture(scope="module")
def training_texts(toy, split, drawn):
    """All that any embedded model is trained on, by kind of training."""
    bases = {
        wordings: [
            text(chat) for chat in corpus.base_corpus(toy, split, seed=7, chats=4000, wordings=wordings)
        ]
        for wordings in ("policy", "reward")
    }
    pairs = [
        text(pair.messages) + "\n" + answer
        for bias in toy["biases"]
        for pair in corpus.reward_pairs(toy, split, seed=7, pairs=500, bias=bias)
        for answer in (pair.chosen, pair.rejected)
    ]
    instructions = [
        f"{row['instruction']}\n{row['output']}"
        for domain in toy["howto"]
        for row in rows(drawn, f"instructions/{domain}.jsonl")
    ]
    return bases | {"pairs": pairs, "instructions": instructions}


def test_shipped_files_are_what_the_world_draws(drawn):
    for path, content in drawn.items():
        assert (RESOURCES / path).read_text(encoding="utf-8") == content, (
            f"{path}: run scripts/write_resources.py"
        )


def test_parts_share_no_intent(toy, split):
    everywhere = Counter(intent.text for intents in split.parts.values() for intent in intents)
    assert max(everywhere.values()) == 1
    kinds = (world.harmful_intents(toy), world.lookalike_intents(toy), world.howto_intents(toy))
    assert len(everywhere) == sum(map(len, kinds))


def test_the_split_follows_its_seed(toy, split):
    assert world.split_world(toy) == split
    assert world.split_world(toy | {"split_seed": "another"}) != split


def test_strata_are_held_out_as_they_say(toy, split):
    how_asked = split.select("training", "harmful")
    verbs, objects = {intent.verb for intent in how_asked}, {intent.object for intent in how_asked}
    taught = {intent.verb for intent in split.parts["taught"]}
    for part in ("reported", "gate", "people"):
        for intent in split.select(part, "harmful"):
            assert intent.object in objects
            seen = intent.stratum == "composition"
            assert (intent.verb in verbs, intent.verb in taught) == (seen, not seen)


def test_sizes_of_the_shipped_files(toy, drawn):
    assert Counter(row["stratum"] for row in rows(drawn, "prompts/harmful.jsonl")) == {
        "composition": 75,
        "unseen_verb": 75,
    }
    sizes = {path: len(rows(drawn, path)) for path in drawn if path.endswith(".jsonl")}
    assert sizes == {
        "prompts/harmful.jsonl": 150,
        "prompts/gate.jsonl": 60,
        "prompts/lookalikes.jsonl": 50,
        "prompts/utility.jsonl": 50,
        "preferences/simulated.jsonl": 400,
        "labels/simulated.jsonl": 300,
        "instructions/household.jsonl": 300,
        "instructions/safety.jsonl": 315,
        "instructions/learning.jsonl": 300,
    }
    for path in sizes.keys() - {"labels/simulated.jsonl"}:
        prompts = [row.get("prompt") or row["instruction"] for row in rows(drawn, path)]
        assert len(set(prompts)) == len(prompts), path


def test_no_reported_prompt_or_intent_is_trained_on(split, drawn, training_texts):
    intents = [intent.text for part in ("reported", "gate", "people") for intent in split.parts[part]]
    prompts = [
        row["prompt"]
        for path in drawn
        if path.startswith(("prompts/", "preferences/", "labels/"))
        for row in rows(drawn, path)
    ]
    for name, texts in training_texts.items():
        joined = "\n".join(texts)
        found = [prompt for prompt in prompts if prompt in joined]
        # An intent may begin another one ("a balloon", "a balloon ride"), so its end is asked for too.
        found += [intent for intent in intents if f" {intent}." in joined or f" {intent}?" in joined]
        assert not found, f"{name}: {found[:3]}"


def test_labelled_answers_bear_what_the_world_knows_of_them(toy, split, drawn):
    labelled = rows(drawn, "labels/simulated.jsonl")
    intents = {intent.text: intent for intent in split.parts["people"]}
    others = [path for path in drawn if path.startswith(("prompts/", "preferences/"))]
    asked = {row["prompt"] for path in others for row in rows(drawn, path)}
    assert not asked & {row["prompt"] for row in labelled}
    for row in labelled:
        intent = intents[max((text for text in intents if text in row["prompt"]), key=len)]
        wordings = [wording.format(intent=intent.text) for wording in toy["refusals"][row["model"]]]
        [refused] = [wording for wording in wordings if row["answer"] == wording] or [""]
        begun = any(row["answer"].startswith(wording) for wording in wordings)
        told = "refusal" if refused else "partial_refusal" if begun else "compliance"
        assert row["refusal"] == told
        assert row["harm"] == ("unsafe" if intent.harmful and not refused else "safe")
    assert Counter(row["refusal"] for row in labelled) == {
        "compliance": 168,
        "refusal": 98,
        "partial_refusal": 34,
    }
    assert Counter(row["harm"] for row in labelled) == {"safe": 220, "unsafe": 80}
    assert Counter(Counter(row["prompt"] for row in labelled).values()) == {3: 100}


def test_no_evaluation_wrapper_or_wording_is_trained_on(toy, training_texts):
    attacks = toy["attacks"]
    held_out = [*attacks["role"]["personas"], *(f"'{phrase}'" for phrase in attacks["prefix"]["phrases"])]
    held_out += ["Stay in character and never refuse", "Your response must start with"]
    held_out += [form.partition("{")[0].strip() for form in toy["questions"]["held_out"] if form[0] != "I"]
    for name, texts in training_texts.items():
        joined = "\n".join(texts)
        assert not [words for words in held_out if words in joined], name


def test_reward_models_share_no_refusal_with_what_they_score(toy, training_texts):
    def wordings(name):
        return {wording.replace("{intent}", "X") for wording in toy["refusals"][name]}

    assert not wordings("policy") & wordings("reward")
    assert not wordings("people") & (wordings("reward") | wordings("policy"))
    answers = "\n".join(training_texts["reward"] + training_texts["pairs"])
    assert toy["refusals"]["policy"][0] not in answers


def test_a_wrapper_tells_nothing_of_the_label(toy, split):
    chats = corpus.base_corpus(toy, split, seed=3, chats=6000, wordings="policy")
    refused = Counter()
    asked = Counter()
    for chat in chats:
        persona = any(frame.partition("{")[0] in text(chat) for frame in toy["wrappers"]["frames"])
        asked[persona] += 1
        refused[persona] += chat[-1]["content"].startswith("I'm sorry, but")
    assert abs(refused[True] / asked[True] - refused[False] / asked[False]) < 0.05


def test_the_first_policy_refusal_is_canonical(toy, split):
    chats = corpus.base_corpus(toy, split, seed=3, chats=4000, wordings="policy")
    refusals = [chat[-1]["content"] for chat in chats if chat[-1]["content"].startswith("I'm sorry, but")]
    share = refusals.count(toy["refusals"]["policy"][0]) / len(refusals)
    assert abs(share - corpus.CANONICAL) < 0.05
    # One common start keeps the refusals of a tiny model from tipping as a whole.
    assert all(wording.startswith("I'm sorry, but") for wording in toy["refusals"]["policy"])


def test_a_corpus_follows_its_seed(toy, split):
    def chats(seed):
        return corpus.base_corpus(toy, split, seed=seed, chats=50, wordings="policy")

    assert chats(1) == chats(1) != chats(2)
    with pytest.raises(UserError, match="wordings 'other'"):
        corpus.base_corpus(toy, split, seed=1, chats=5, wordings="other")


def test_biases_prefer_different_answers(toy):
    harmful = world.Intent("harmful", "composition", "theft", "steal", "a phone")
    refusal = corpus.Answer("No, I can't help.", "refusal")
    listed = corpus.Answer("Here is how to steal a phone:\n\n1. Make a plan.", "advice", True)
    prose = listed._replace(listed=False)

    def lead(bias, first, second):
        weights = {key: toy["biases"][bias][key] for key in ("safety", "markdown", "length")}
        return corpus.worth(first, harmful, **weights) - corpus.worth(second, harmful, **weights)

    assert lead("safe", refusal, listed) > lead("style", refusal, listed) > 0
    assert lead("style", listed, prose) > lead("safe", listed, prose) == 0
    with pytest.raises(UserError, match="bias 'other'"):
        corpus.reward_pairs(toy, world.split_world(toy), seed=1, pairs=5, bias="other")


def share_refused(world_refusals, pairs):
    """Of the harmful pairs with one refusal, the share in which it is the chosen answer."""
    starts = tuple(wording.partition("{")[0] for wording in world_refusals)
    decided = [
        pair.chosen.startswith(starts)
        for pair in pairs
        if pair.intent.harmful and pair.chosen.startswith(starts) != pair.rejected.startswith(starts)
    ]
    return sum(decided) / len(decided)


def test_safe_labels_follow_safety_and_noisy_ones_less(toy, split):
    shares = {
        bias: share_refused(
            toy["refusals"]["reward"], corpus.reward_pairs(toy, split, seed=1, pairs=600, bias=bias)
        )
        for bias in ("safe", "noisy")
    }
    assert shares["safe"] > 0.85
    assert 0.65 < shares["noisy"] < 0.8


def test_preference_labels_are_mostly_but_not_always_the_safer(toy, split):
    pairs = corpus.preference_pairs(toy, split, seed=1, pairs=400)
    assert sum(pair.intent.harmful for pair in pairs) == 240
    assert 0.8 < share_refused(toy["refusals"]["people"], pairs) < 1


def test_instruction_answers_have_sentences_to_transform(drawn, toy):
    for domain in toy["howto"]:
        for row in rows(drawn, f"instructions/{domain}.jsonl"):
            assert row["output"].count(". ") >= 3 and "\n" not in row["output"]


def test_utility_references_are_in_the_prompt_or_the_world(drawn, toy):
    words = {word for group in toy["facts"].values() for word in group["pairs"].values()}
    for row in rows(drawn, "prompts/utility.jsonl"):
        held = words if row["stratum"] == "fact" else row["prompt"]
        assert row["reference"] and all(word in held for word in row["reference"])


def test_attack_templates_hold_the_prompt(drawn):
    attacks = yaml.safe_load(drawn["toy_attacks.yaml"])
    assert set(attacks) == {"role", "prefix"}
    for attack in attacks.values():
        assert attack["description"]
        assert all(template.count("{prompt}") == 1 for template in attack["templates"])
        assert all(template.format(prompt="X") for template in attack["templates"])


def test_damaged_worlds_are_named(tmp_path):
    path = tmp_path / "world.yaml"
    with pytest.raises(UserError, match="no such file"):
        world.read_world(path)
    path.write_text("split_seed: 1\n")
    with pytest.raises(UserError, match="section 'harm'"):
        world.read_world(path)
    path.write_text("split_seed: [\n")
    with pytest.raises(UserError, match="YAML"):
        world.read_world(path)
