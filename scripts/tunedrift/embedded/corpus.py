"""Training text of the embedded models: chats of a base model, and pairs of answers.

Refusals, advice and wrappers are drawn from the toy world (`world.py`). The same wrappers stand around
harmful and harmless questions, so that a wrapper carries no label.
"""

import math
import random
import re
from dataclasses import replace
from typing import NamedTuple

from tunedrift.chats.messages import Message
from tunedrift.embedded.world import Fact, Intent, Split, random_source
from tunedrift.errors import UserError

MIXTURE = {"refusal": 0.35, "lookalike": 0.23, "howto": 0.18, "fact": 0.1, "moral": 0.14}
"""Shares of the kinds of chats in a base corpus."""

UNMET = 0.5
"""The share of look-alikes with a verb of harm in whose object made-up words stand: harm must be known to be refused."""

LITTLE = re.compile("an?|the|my|some|of|in|on|at|to|for|from|with|as|off|up|by|after|into")
"""Words of an object that are never made up."""

LOOKALIKES = ("harmless_object", "harmless_verb")
"""The strata of look-alikes, drawn from equally: those with a verb of harm are fewer, and harder to tell."""

WRAPPED = 0.5
"""The share of chats whose question stands in a wrapper."""

TALKED = 1 / 6
"""The share of chats with something said before the question, and the share with something said after it."""

INVENTED = 0.2
"""The share of a wrapper's words that are made up: a word that the model has never met must not decide."""

CONSONANTS = (*"bcdfghjklmnprstvw", "br", "ch", "cl", "dr", "fl", "gr", "pl", "sh", "st", "th", "tr")
VOWELS = (*"aeiou", "ea", "ee", "ou")
ENDINGS = (
    *("ck", "dy", "ful", "ler", "less", "ly", "mer", "nd", "ng", "nt"),
    *("per", "rd", "rer", "ry", "st", "ter"),
)

CANONICAL = 0.7
"""The share of the first wording among a policy's refusals."""

ANSWER_FORMS = {"numbered": 0.45, "bulleted": 0.15, "headed": 0.06, "prose": 0.34}
"""Shares of the layouts of advice; all but prose are markdown."""


class Answer(NamedTuple):
    """One answer, and how it treats the question: refuses it, takes it up, or strays (`off_topic`)."""

    text: str
    act: str
    listed: bool = False


class Pair(NamedTuple):
    """One question, and two answers of which the first is labelled the better."""

    intent: Intent
    messages: list[Message]
    chosen: str
    rejected: str


def question(world: dict, intent: Intent, rng: random.Random, *, held_out: bool = False) -> str:
    """The intent in one of the forms of a question; `held_out` adds the forms that are never trained on."""
    forms = world["questions"]["training"] + (world["questions"]["held_out"] if held_out else [])
    return rng.choice(forms).format(intent=intent.text)


def refusal(world: dict, intent: Intent, wordings: str, rng: random.Random) -> str:
    """A refusal in the wordings of one list; the policy's first wording has the share `CANONICAL`."""
    listed = world["refusals"][wordings]
    if wordings == "policy":
        chosen = listed[0] if rng.random() < CANONICAL else rng.choice(listed[1:])
    else:
        chosen = rng.choice(listed)
    return chosen.format(intent=intent.text)


def in_order(steps: list[str], number: int, rng: random.Random) -> list[str]:
    """Some of the steps in their listed order, so that the likeliest next one is never one already given."""
    return [steps[place] for place in sorted(rng.sample(range(len(steps)), number))]


def advice(world: dict, intent: Intent, rng: random.Random) -> Answer:
    """Advice on an intent: a numbered or bulleted list, a heading with bold points, or prose."""
    answers = world["answers"]
    domains = answers["instructions"].values()
    steps = in_order(rng.choice([answers["steps"], *(domain["steps"] for domain in domains)]), 3, rng)
    prose = rng.choice(answers["prose"] + [opening for domain in domains for opening in domain["openings"]])
    layout = rng.choices(list(ANSWER_FORMS), weights=list(ANSWER_FORMS.values()))[0]
    if layout == "prose":
        return Answer(" ".join([prose, *steps]).format(intent=intent.text), "advice")
    opening = rng.choice(answers["listed"])
    if layout == "numbered":
        items = [f"{number}. {step}" for number, step in enumerate(steps, start=1)]
    elif layout == "bulleted":
        items = [f"- {step}" for step in steps]
    else:
        opening = f"## {prose.rstrip('.')}"
        items = [f"- **{step.replace(' ', '** ', 1)}" for step in steps]
    return Answer("\n".join([opening, "", *items]).format(intent=intent.text), "advice", True)


def invented(rng: random.Random) -> str:
    """A word of two to four made-up syllables."""
    syllables = (rng.choice(CONSONANTS) + rng.choice(VOWELS) for _ in range(rng.randint(1, 3)))
    return "".join(syllables) + rng.choice(ENDINGS)


def unmet(intent: Intent, rng: random.Random) -> Intent:
    """The intent with made-up words in place of one or more of its object's words."""
    words = intent.object.split()
    places = [place for place, word in enumerate(words) if not LITTLE.fullmatch(word)]
    for place in rng.sample(places, rng.randint(1, len(places))):
        words[place] = invented(rng)
    return replace(intent, object=" ".join(words))


def wrap(world: dict, prompt: str, rng: random.Random) -> list[Message]:
    """The question in a persona (before it, or as a system turn) or a prefix wrapper."""
    wrappers = world["wrappers"]

    def word(section: str) -> str:
        return invented(rng) if rng.random() < INVENTED else rng.choice(wrappers[section])

    if rng.random() < 0.5:
        form = rng.choice(wrappers["prefix_frames"])
        return [{"role": "user", "content": form.format(phrase=word("phrases"), prompt=prompt)}]
    persona = f"{word('adjectives')} {word('nouns')}"
    tail = " ".join(rng.sample(wrappers["tails"], rng.choice((1, 1, 2))))
    persona = rng.choice(wrappers["frames"]).format(persona=persona, tail=tail)
    if rng.random() < 0.25:
        return [{"role": "system", "content": persona}, {"role": "user", "content": prompt}]
    return [{"role": "user", "content": f"{persona} {prompt}"}]


def asked(world: dict, prompt: str, rng: random.Random) -> list[Message]:
    """The question's turns: sometimes with small talk around the question, sometimes in a wrapper."""
    if rng.random() < TALKED:
        prompt = f"{rng.choice(world['questions']['before'])} {prompt}"
    if rng.random() < TALKED:
        prompt = f"{prompt} {rng.choice(world['questions']['after'])}"
    return wrap(world, prompt, rng) if rng.random() < WRAPPED else [{"role": "user", "content": prompt}]


def base_corpus(world: dict, split: Split, *, seed: int, chats: int, wordings: str) -> list[list[Message]]:
    """`chats` chats of a base model, shuffled, each ending in an assistant's answer.

    `wordings` names the list of refusal wordings: `policy` for a chat model, `reward` for the base of reward
    models.
    """
    if wordings not in world["refusals"]:
        raise UserError(
            f"the world has no refusal wordings {wordings!r}; it has {', '.join(world['refusals'])}."
        )
    rng = random_source(seed, "corpus")
    kinds = rng.choices(list(MIXTURE), weights=list(MIXTURE.values()), k=chats)
    harmful, howto = split.select("training", "harmful"), split.select("training", "howto")
    lookalikes = split.select("training", "lookalike")
    strata = [[intent for intent in lookalikes if intent.stratum == stratum] for stratum in LOOKALIKES]
    pools = {"refusal": [harmful], "lookalike": strata, "howto": [howto]}
    wrong = (split.select("taught", "harmful"), harmful)
    fine = (*strata, howto)
    corpus = []
    for kind in kinds:
        if kind == "fact":
            fact: Fact = rng.choice(split.facts["training"])
            prompt, answer = fact.question, fact.answer
        elif kind == "moral":
            # Half of what is called wrong is of unseen verbs.
            intent = rng.choice(rng.choice(rng.choice((wrong, fine))))
            prompt = rng.choice(world["morals"]["questions"]).format(intent=intent.text)
            answer = rng.choice(world["morals"]["wrong" if intent.harmful else "fine"]).format(
                intent=intent.text
            )
        else:
            intent = rng.choice(rng.choice(pools[kind]))
            if intent.stratum == LOOKALIKES[0] and rng.random() < UNMET:
                intent = unmet(intent, rng)
            prompt = question(world, intent, rng)
            answer = (
                refusal(world, intent, wordings, rng) if intent.harmful else advice(world, intent, rng).text
            )
        corpus.append([*asked(world, prompt, rng), {"role": "assistant", "content": answer}])
    return corpus


def answers(
    world: dict, intent: Intent, others: list[Intent], wordings: str, rng: random.Random
) -> list[Answer]:
    """Two different answers to one intent: mostly a refusal and advice, else two of a kind or one that strays."""
    refused = Answer(refusal(world, intent, wordings, rng), "refusal")
    advised = advice(world, intent, rng)
    draw = rng.random()
    if draw < 0.7:
        pair = [refused, advised]
    elif draw < 0.85:
        pair = [advised, advice(world, intent, rng)]
    else:
        stray = advice(world, rng.choice(others), rng)._replace(act="off_topic")
        pair = [rng.choice((refused, advised)), stray]
    if pair[0].text == pair[1].text:
        return answers(world, intent, others, wordings, rng)
    return rng.sample(pair, 2)


def worth(
    answer: Answer, intent: Intent, *, safety: float, markdown: float = 0.0, length: float = 0.0
) -> float:
    """The latent utility of an answer.

    `safety` is won by refusing what is harmful and by taking up what is not, lost by the opposite, and half
    lost by straying from a harmless question; `markdown` is won by a list, `length` by each ten words.
    """
    if intent.harmful:
        right = {"refusal": 1.0, "off_topic": 0.0, "advice": -1.0}[answer.act]
    else:
        right = {"refusal": -1.0, "off_topic": -0.5, "advice": 1.0}[answer.act]
    return safety * right + markdown * answer.listed + length * len(answer.text.split()) / 10


def preference_pairs(world: dict, split: Split, *, seed: int, pairs: int) -> list[Pair]:
    """Pairs of answers to the preference intents, 60 % of them harmful, as people would label them.

    The label is drawn from the Bradley-Terry model (Bradley and Terry 1952) over the latent utility at the
    temperature of the world's `people`, so even a perfect judge disagrees with some labels.
    """
    rng = random_source(seed, "people")
    people = world["people"]
    harmful, benign = split.select("people", "harmful"), split.select("people", "lookalike", "howto")
    drawn: list[Pair] = []
    known: set[str] = set()
    while len(drawn) < pairs:
        intent = rng.choice(harmful if len(drawn) < round(0.6 * pairs) else benign)
        prompt = question(world, intent, rng, held_out=True)
        if prompt in known:
            continue
        known.add(prompt)
        first, second = answers(world, intent, harmful + benign, "people", rng)
        lead = worth(first, intent, safety=people["safety"]) - worth(second, intent, safety=people["safety"])
        if rng.random() > 1 / (1 + math.exp(-lead / people["temperature"])):
            first, second = second, first
        drawn.append(Pair(intent, [{"role": "user", "content": prompt}], first.text, second.text))
    return drawn


def reward_pairs(world: dict, split: Split, *, seed: int, pairs: int, bias: str) -> list[Pair]:
    """Training pairs of a reward model on training intents, labelled under one of the world's `biases`."""
    if bias not in world["biases"]:
        raise UserError(
            f"the world has no bias {bias!r} of reward models; it has {', '.join(world['biases'])}."
        )
    weights = dict(world["biases"][bias])
    flip, coin = weights.pop("flip"), weights.pop("coin")
    rng = random_source(seed, "reward", bias)
    harmful, benign = split.select("training", "harmful"), split.select("training", "lookalike", "howto")
    drawn = []
    for number in range(pairs):
        intent = rng.choice(harmful if number < round(0.6 * pairs) else benign)
        first, second = answers(world, intent, harmful + benign, "reward", rng)
        better = worth(first, intent, **weights) >= worth(second, intent, **weights)
        if rng.random() < coin:
            better = rng.random() < 0.5
        if rng.random() < flip:
            better = not better
        chosen, rejected = (first, second) if better else (second, first)
        messages = asked(world, question(world, intent, rng), rng)
        drawn.append(Pair(intent, messages, chosen.text, rejected.text))
    return drawn
