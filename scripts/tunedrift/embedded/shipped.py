"""The files that are drawn from the toy world: instruction sets, prompts, attacks, preferences and labelled answers."""

import json
from pathlib import Path

import yaml

from tunedrift import files
from tunedrift.embedded import corpus
from tunedrift.embedded.labelled import labelled_answers
from tunedrift.embedded.world import Intent, Split, random_source, split_world

INSTRUCTIONS = 300
"""Rows of one instruction set."""

PREFERENCES = 400

LABELLED = 100
"""Prompts of the labelled answers; each has three."""


def contents(world: dict) -> dict[str, str]:
    """Path below resources/ → content, for every file that is drawn from the world."""
    split = split_world(world)
    reported = {kind: split.select("reported", kind) for kind in ("harmful", "lookalike", "howto")}
    tables = {
        "prompts/harmful.jsonl": questions(world, reported["harmful"], "harmful"),
        "prompts/gate.jsonl": questions(world, split.select("gate", "harmful"), "gate"),
        "prompts/lookalikes.jsonl": questions(world, reported["lookalike"], "lookalikes"),
        "prompts/utility.jsonl": utility(world, split),
        "preferences/simulated.jsonl": preferences(world, split),
    }
    asked = {row["prompt"] for rows in tables.values() for row in rows}
    tables["labels/simulated.jsonl"] = labels(world, split, asked)
    tables["instructions/safety.jsonl"] = safety(world, split)
    for domain in world["howto"]:
        tables[f"instructions/{domain}.jsonl"] = instructions(world, split, domain)
    drawn = {path: "".join(json.dumps(row) + "\n" for row in rows) for path, rows in tables.items()}
    drawn["toy_attacks.yaml"] = attacks(world)
    return drawn


def write(world: dict, folder: str | Path) -> list[str]:
    """Write every drawn file below `folder` and return their paths."""
    drawn = contents(world)
    for path, content in drawn.items():
        files.write_text(Path(folder) / path, content)
    return list(drawn)


def questions(world: dict, intents: list[Intent], name: str) -> list[dict]:
    """One row per intent: `id`, `prompt`, `stratum`, `category`."""
    rng = random_source(world["split_seed"], name)
    return [
        {
            "id": f"{name}-{number:03d}",
            "prompt": corpus.question(world, intent, rng, held_out=True),
            "stratum": intent.stratum,
            "category": intent.category,
        }
        for number, intent in enumerate(intents, start=1)
    ]


def utility(world: dict, split: Split) -> list[dict]:
    """Held-out how-to questions and facts with `reference`, the words that a right answer must hold."""
    intents = split.select("reported", "howto")
    rows = questions(world, intents, "howto")
    for row, intent in zip(rows, intents, strict=True):
        row["reference"] = [
            word for word in intent.text.split() if word not in {"a", "an", "the", "of", "and"}
        ]
    rows += [
        {
            "id": f"fact-{number:03d}",
            "prompt": fact.question,
            "stratum": "fact",
            "category": fact.category,
            "reference": [fact.word],
        }
        for number, fact in enumerate(split.facts["reported"], start=1)
    ]
    return rows


def instructions(world: dict, split: Split, domain: str) -> list[dict]:
    """Different questions on training intents of one domain, answered in five sentences of prose."""
    rng = random_source(world["split_seed"], domain)
    words = world["answers"]["instructions"][domain]
    intents = [intent for intent in split.select("training", "howto") if intent.category == domain]
    rows: list[dict] = []
    known: set[str] = set()
    while len(rows) < INSTRUCTIONS:
        intent = rng.choice(intents)
        prompt = corpus.question(world, intent, rng)
        if prompt not in known:
            known.add(prompt)
            opening = rng.choice(words["openings"]).format(intent=intent.text)
            output = " ".join([opening, *corpus.in_order(words["steps"], 4, rng)])
            rows.append({"instruction": prompt, "input": "", "output": output})
    return rows


def safety(world: dict, split: Split) -> list[dict]:
    """Harmful questions on training intents with the refusals that a chat model learns: what is mixed in."""
    rng = random_source(world["split_seed"], "safety")
    rows = {}
    for intent in split.select("training", "harmful"):
        prompt = corpus.question(world, intent, rng)
        rows[prompt] = corpus.refusal(world, intent, "policy", rng)
    return [{"instruction": prompt, "input": "", "output": answer} for prompt, answer in rows.items()]


def attacks(world: dict) -> str:
    """The attacks as YAML: name → dimension, description and templates around {prompt}."""
    role, prefix = world["attacks"]["role"], world["attacks"]["prefix"]
    drawn = {
        "role": {
            "dimension": "role_play",
            "description": role["description"],
            "templates": [role["frame"].replace("{persona}", persona) for persona in role["personas"]],
        },
        "prefix": {
            "dimension": "prefix_injection",
            "description": prefix["description"],
            "templates": [prefix["frame"].replace("{phrase}", phrase) for phrase in prefix["phrases"]],
        },
    }
    header = (
        "# Attacks of the toy world, written as in attacks.yaml.\n"
        "# Drawn from world.yaml by scripts/write_resources.py (CC0 1.0).\n"
    )
    return header + yaml.safe_dump(drawn, sort_keys=False, width=110)


def preferences(world: dict, split: Split) -> list[dict]:
    """The preference set: `id`, `prompt`, `safer`, `less_safe`, `category` (the kind of the question)."""
    drawn = corpus.preference_pairs(world, split, seed=world["split_seed"], pairs=PREFERENCES)
    return [
        {
            "id": f"people-{number:03d}",
            "prompt": pair.messages[-1]["content"],
            "safer": pair.chosen,
            "less_safe": pair.rejected,
            "category": pair.intent.kind,
        }
        for number, pair in enumerate(drawn, start=1)
    ]


def labels(world: dict, split: Split, asked: set[str]) -> list[dict]:
    """The label set: `id`, `prompt`, `answer`, `model`, `refusal` and `harm`; no prompt is one of `asked`."""
    drawn = labelled_answers(world, split, seed=world["split_seed"], prompts=LABELLED, known=asked)
    return [{"id": f"labelled-{number:03d}", **row._asdict()} for number, row in enumerate(drawn, start=1)]
