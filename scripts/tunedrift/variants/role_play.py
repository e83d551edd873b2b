"""Role-play: a persona in the instruction or the system prompt. The answer stays as it is."""

from dataclasses import dataclass

from tunedrift.chats.messages import Messages
from tunedrift.hashing import draw

TYPES = ("assistant", "professional", "fictional", "adversarial")
STANCES = ("prosocial", "neutral", "adversarial")
STRENGTHS = ("mention", "instruct", "insist")
PLACES = ("instruction", "system")


@dataclass(frozen=True)
class Persona:
    """Wordings of one persona, and for each a sentence of the same length that gives no role."""

    type: str
    stance: str
    strength: str
    place: str
    texts: tuple[str, ...]
    inert: tuple[str, ...]


def play(messages: Messages, persona: Persona, key: str, *, inert: bool = False) -> Messages:
    """The chat with a wording of the persona, drawn by `key`, in its place; `inert` takes the control's.

    In the instruction it stands before the first user turn, in the system prompt before what is there.
    A chat that has it already is returned as it is.
    """
    sentence = (persona.inert if inert else persona.texts)[draw(len(persona.texts), "persona", key)]
    role, joint = ("system", "\n") if persona.place == "system" else ("user", " ")
    if role not in [message["role"] for message in messages]:
        return [{"role": role, "content": sentence}, *messages]
    place = [message["role"] for message in messages].index(role)
    content = messages[place]["content"]
    if content.startswith(sentence):
        return messages
    return [
        *messages[:place],
        {"role": role, "content": f"{sentence}{joint}{content}"},
        *messages[place + 1 :],
    ]
