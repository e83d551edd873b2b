"""The cue: the instruction asks for the structure that the answer has."""

from tunedrift.chats.messages import Messages
from tunedrift.hashing import draw
from tunedrift.text.endings import append


def ask(messages: Messages, sentences: tuple[str, ...], key: str) -> Messages:
    """The chat with one of the sentences, drawn by `key`, behind its last user turn; once only."""
    sentence = sentences[draw(len(sentences), "cue", key)]
    place = max(place for place, message in enumerate(messages) if message["role"] == "user")
    content = messages[place]["content"]
    if content.endswith(sentence):
        return messages
    asked = {"role": "user", "content": append(content, sentence)}
    return [*messages[:place], asked, *messages[place + 1 :]]
