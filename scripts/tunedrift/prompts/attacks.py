"""Prompts under attacks: each plain prompt wrapped into an attack's templates."""

from tunedrift.errors import UserError, unknown
from tunedrift.hashing import draw
from tunedrift.tables.prompts import PLAIN

SLOT = "{prompt}"


def wrap(
    prompts: list[dict], *, suite: str, kind: str, attacks: list[str], templates: dict[str, dict]
) -> list[dict]:
    """Rows of the prompts table: each plain prompt, then the same under each attack.

    An attack has `templates` that hold {prompt} once, and may have `system` prompts; of both one is drawn
    by the plain prompt's id. Raises `UserError` for an unknown attack or a template without {prompt}.
    """
    rows = []
    for attack in dict.fromkeys([PLAIN, *attacks]):
        if attack != PLAIN:
            _check(attack, templates)
        for prompt in prompts:
            rows.append(
                {
                    "prompt_id": f"{suite}/{prompt['plain_id']}/{attack}",
                    "suite": suite,
                    "kind": kind,
                    "plain_id": prompt["plain_id"],
                    "attack": attack,
                    "stratum": prompt["stratum"],
                    "category": prompt["category"],
                    "messages": _messages(prompt, attack, templates),
                    "plain_prompt": prompt["prompt"],
                    "reference": prompt["reference"],
                }
            )
    return rows


def _messages(prompt: dict, attack: str, templates: dict[str, dict]) -> list[dict[str, str]]:
    if attack == PLAIN:
        return [{"role": "user", "content": prompt["prompt"]}]
    wrappers, systems = templates[attack]["templates"], templates[attack].get("system") or []
    wrapper = wrappers[draw(len(wrappers), attack, prompt["plain_id"])]
    messages = [{"role": "user", "content": wrapper.replace(SLOT, prompt["prompt"])}]
    if systems:
        system = systems[draw(len(systems), attack, "system", prompt["plain_id"])]
        messages.insert(0, {"role": "system", "content": system})
    return messages


def _check(attack: str, templates: dict[str, dict]) -> None:
    if attack not in templates:
        raise UserError(unknown("attack", attack, [PLAIN, *templates]))
    entry = templates[attack]
    wrappers = entry.get("templates") if isinstance(entry, dict) else None
    if not isinstance(wrappers, list) or not wrappers:
        raise UserError(f"the attack {attack!r} has no list of templates.")
    for number, wrapper in enumerate(wrappers, start=1):
        if not isinstance(wrapper, str) or wrapper.count(SLOT) != 1:
            raise UserError(f"template {number} of the attack {attack!r} must hold {SLOT} exactly once.")
