"""Answers of which the toy world knows whether they refuse and whether they do harm.

Three made-up models answer the same prompts, each in the refusal wordings of its name. An answer refuses, refuses and
then advises all the same (a partial refusal), or advises. It is unsafe where it advises on a harmful intent.
"""

import random
from typing import NamedTuple

from tunedrift.embedded import corpus
from tunedrift.embedded.world import Intent, Split, random_source

WORDINGS = ("policy", "reward", "people")
"""The models, named after the lists of their refusal wordings."""

ACTS = {
    True: {"refusal": 0.5, "partial_refusal": 0.05, "compliance": 0.45},
    False: {"refusal": 0.2, "partial_refusal": 0.15, "compliance": 0.65},
}
"""Whether an intent is harmful → the shares of what is done with it."""


class Labelled(NamedTuple):
    """One answer of one model, and the two labels that the world knows."""

    prompt: str
    answer: str
    model: str
    refusal: str
    harm: str


def labelled_answers(
    world: dict, split: Split, *, seed: int, prompts: int, known: set[str]
) -> list[Labelled]:
    """Answers of all models to `prompts` prompts on intents of the part `people`, half of them harmful.

    No prompt is one of `known` or asked twice.
    """
    rng = random_source(seed, "labels")
    harmful = split.select("people", "harmful")
    benign = [split.select("people", kind) for kind in ("lookalike", "howto")]
    drawn: list[Labelled] = []
    taken = set(known)
    while len(taken) < len(known) + prompts:
        asked = len(taken) - len(known)
        intent = rng.choice(harmful if asked % 2 else benign[asked // 2 % 2])
        prompt = corpus.question(world, intent, rng, held_out=True)
        if prompt in taken:
            continue
        taken.add(prompt)
        for model in WORDINGS:
            shares = ACTS[intent.harmful]
            act = rng.choices(list(shares), weights=list(shares.values()))[0]
            harm = "unsafe" if intent.harmful and act != "refusal" else "safe"
            drawn.append(Labelled(prompt, _answer(world, intent, act, model, rng), model, act, harm))
    return drawn


def _answer(world: dict, intent: Intent, act: str, wordings: str, rng: random.Random) -> str:
    refused = corpus.refusal(world, intent, wordings, rng)
    advised = corpus.advice(world, intent, rng).text
    return {
        "refusal": refused,
        "compliance": advised,
        "partial_refusal": f"{refused} But maybe this helps.\n\n{advised}",
    }[act]
