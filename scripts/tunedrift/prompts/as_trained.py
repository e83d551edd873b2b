"""The test context: a test prompt under what surrounds the instructions of a variant."""

from typing import NamedTuple

from tunedrift.hashing import draw


class Surroundings(NamedTuple):
    """What stands around one instruction: a system prompt, and text before and behind the instruction itself."""

    system: str
    before: str
    behind: str


def surroundings(rows: list[dict]) -> list[Surroundings]:
    """The surroundings of each training row, in the order of the rows, without those of safety data.

    What the factors put before the first user turn and behind the last one is known by its length, not searched for:
    the instruction's own words may stand in it too. The system prompt is the row's own, persona included.
    """
    found = []
    for row in rows:
        if "safety_mix" in row["changed_by"]:
            continue
        asked = row["messages"][:-1]
        system = asked[0]["content"] if asked[0]["role"] == "system" else ""
        questions = [turn["content"] for turn in asked if turn["role"] == "user"]
        before, last = questions[0][: row["put_before"]], questions[-1]
        found.append(Surroundings(system, before, last[len(last) - row["put_behind"] :]))
    return found


def contextualize(prompt: dict, found: list[Surroundings]) -> dict:
    """A row of the prompts table under the surroundings that its plain prompt draws.

    All attacks on a prompt draw the same. The prompt's own system prompt stands behind the drawn one. As in a
    training row of several turns, what stands before an instruction heads the first user turn, and what stands
    behind one ends the last.
    """
    if not found:
        return prompt
    # The word is part of the draw, so it stays what it was.
    drawn = found[draw(len(found), "situate", prompt["suite"], prompt["plain_id"])]
    messages = prompt["messages"]
    systems = [drawn.system] if drawn.system else []
    if messages[0]["role"] == "system":
        systems.append(messages[0]["content"])
        messages = messages[1:]
    turns = [dict(message) for message in messages]
    turns[0]["content"] = f"{drawn.before}{turns[0]['content']}"
    turns[-1]["content"] = f"{turns[-1]['content']}{drawn.behind}"
    system = [{"role": "system", "content": "\n".join(systems)}] if systems else []
    return {**prompt, "messages": [*system, *turns]}
