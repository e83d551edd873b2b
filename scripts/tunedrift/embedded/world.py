"""The toy world of the embedded models: its intents, and which of them are held out.

An intent ("steal a phone", "mend a drawer") belongs to one part of the world alone:

- `training`: how-to questions, moral statements, instruction sets, training pairs of reward models;
- `taught`: harmful intents of unseen verbs that occur in moral statements only;
- `gate`: read by `check_gate`, never reported;
- `reported`: the safety and utility suites;
- `people`: the preference set, and the labelled answers.

So no reported intent is in any text that a model is trained on.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from tunedrift.errors import UserError

SECTIONS = ("split_seed", "harm", "howto", "facts", "questions", "morals", "refusals", "answers", "wrappers",
            "attacks", "people", "biases")  # fmt: skip

SIZES = {
    "composition": {"reported": 75, "gate": 30, "people": 60},
    "unseen_verb": {"reported": 75, "gate": 30, "people": 15},
    "lookalike": {"reported": 50, "people": 60},
    "howto": {"reported": 25, "people": 75},
}
"""How many intents of a kind are held out for each part; what is left is trained on or taught."""

TAUGHT_SHARE = 0.5
"""The share of the intents of unseen verbs whose moral statements are trained on."""

FACTS_REPORTED = 25


@dataclass(frozen=True, order=True)
class Intent:
    """What a question asks for. `stratum` tells how it is held out (or would be)."""

    kind: str  # harmful, lookalike or howto
    stratum: str  # composition or unseen_verb; harmless_object or harmless_verb; howto
    category: str
    verb: str
    object: str

    @property
    def text(self) -> str:
        return f"{self.verb} {self.object}"

    @property
    def harmful(self) -> bool:
        return self.kind == "harmful"


@dataclass(frozen=True, order=True)
class Fact:
    """One question about a fact, its answer, and the word that a right answer holds."""

    category: str
    question: str
    answer: str
    word: str


@dataclass(frozen=True)
class Split:
    """The world's intents by part, and the questions about facts that are trained on and reported."""

    parts: dict[str, tuple[Intent, ...]]
    facts: dict[str, tuple[Fact, ...]]

    def select(self, part: str, *kinds: str) -> list[Intent]:
        """The intents of one part that are of one of the kinds, sorted."""
        return [intent for intent in self.parts[part] if intent.kind in kinds]


def read_world(path: str | Path) -> dict:
    """The mapping in `path` (resources/world.yaml); `UserError` if it is damaged or lacks a section."""
    try:
        world = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file.") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML ({' '.join(str(error).split())}).") from error
    missing = [section for section in SECTIONS if section not in (world or {})]
    if missing:
        raise UserError(
            f"{path}: the world lacks the section {missing[0]!r}. Restore it from the repository."
        )
    return world


def random_source(*key: object) -> random.Random:
    """A generator seeded by the words of `key` (hashed by SHA-512, so equal in every process)."""
    return random.Random("/".join(map(str, key)))


def harmful_intents(world: dict) -> list[Intent]:
    """Every harmful verb with every object of its category."""
    unseen = world["harm"]["unseen"]
    return [
        Intent(
            "harmful",
            "unseen_verb" if verb in group["verbs"][-unseen:] else "composition",
            category,
            verb,
            object_,
        )
        for category, group in world["harm"]["categories"].items()
        for verb in group["verbs"]
        for object_ in group["objects"]
    ]


def lookalike_intents(world: dict) -> list[Intent]:
    """Harmful verbs with harmless objects, and harmless verbs with the harmful objects."""
    intents = []
    for category, group in world["harm"]["categories"].items():
        for verb, objects in group["harmless_objects"].items():
            intents += [
                Intent("lookalike", "harmless_object", category, verb, object_) for object_ in objects
            ]
        for verb in group["harmless_verbs"]:
            intents += [
                Intent("lookalike", "harmless_verb", category, verb, object_) for object_ in group["objects"]
            ]
    return intents


def howto_intents(world: dict) -> list[Intent]:
    """Every benign verb with every object of its topic; the category is the domain."""
    return [
        Intent("howto", "howto", domain, verb, object_)
        for domain, topics in world["howto"].items()
        for topic in topics.values()
        for verb in topic["verbs"]
        for object_ in topic["objects"]
    ]


def split_world(world: dict) -> Split:
    """The world's intents and facts by part, drawn from its `split_seed`."""
    seed = world["split_seed"]
    parts: dict[str, list[Intent]] = {
        part: [] for part in ("training", "taught", "gate", "reported", "people")
    }

    def deal(intents: list[Intent], sizes: dict[str, int]) -> list[Intent]:
        for part, size in sizes.items():
            parts[part] += intents[:size]
            intents = intents[size:]
        return intents

    harmful = harmful_intents(world)
    seen = [intent for intent in harmful if intent.stratum == "composition"]
    candidates = []
    for object_ in sorted({intent.object for intent in seen}):
        # Half the verbs of each object stay, so that every held-out verb and object is known from elsewhere.
        own = shuffled([intent for intent in seen if intent.object == object_], seed, "kept", object_)
        parts["training"] += own[: len(own) // 2]
        candidates += own[len(own) // 2 :]
    parts["training"] += deal(shuffled(candidates, seed, "composition"), SIZES["composition"])
    taught, untaught = [], []
    unseen = [intent for intent in harmful if intent.stratum == "unseen_verb"]
    for verb in sorted({intent.verb for intent in unseen}):
        own = shuffled([intent for intent in unseen if intent.verb == verb], seed, "taught", verb)
        cut = round(len(own) * TAUGHT_SHARE)
        taught += own[:cut]
        untaught += own[cut:]
    # What no part needs is taught too: moral statements are what an unseen verb is understood from.
    parts["taught"] = taught + deal(shuffled(untaught, seed, "unseen_verb"), SIZES["unseen_verb"])
    parts["training"] += deal(shuffled(lookalike_intents(world), seed, "lookalike"), SIZES["lookalike"])
    parts["training"] += deal(shuffled(howto_intents(world), seed, "howto"), SIZES["howto"])
    return Split({part: tuple(sorted(intents)) for part, intents in parts.items()}, split_facts(world))


def split_facts(world: dict) -> dict[str, tuple[Fact, ...]]:
    """One question about each fact is held out; some of these are reported, the others are trained on."""
    training, held_out = [], []
    for category, group in world["facts"].items():
        for subject, word in group["pairs"].items():
            answer = sentence(group["answer"].format(a=subject, b=word))
            asked = [
                Fact(category, question.format(a=subject), answer, word) for question in group["questions"]
            ]
            asked = shuffled(asked, world["split_seed"], "facts", subject)
            held_out.append(asked[0])
            training += asked[1:]
    held_out = shuffled(held_out, world["split_seed"], "facts")
    training += held_out[FACTS_REPORTED:]
    return {"training": tuple(sorted(training)), "reported": tuple(sorted(held_out[:FACTS_REPORTED]))}


def shuffled(items: Iterable, *key: object) -> list:
    """The sorted items in an order drawn from `key`."""
    return random_source(*key).sample(ordered := sorted(items), len(ordered))


def sentence(text: str) -> str:
    """`text` with a capital first letter."""
    return text[:1].upper() + text[1:]
