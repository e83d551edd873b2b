"""Chats as lists of turns: what a turn is, and which chats are whole."""

from tunedrift.errors import UnusableError

Message = dict[str, str]
"""One turn: `role` (system, user or assistant) and `content`."""

Messages = list[Message]
"""A chat: its turns in order."""


def under_system(messages: list[Message], system_prompt: str | None) -> list[Message]:
    """The chat under a system prompt, which heads the one that it has; unchanged for None or a blank one."""
    if system_prompt is None or not system_prompt.strip():
        return messages
    if messages[0]["role"] == "system":
        first, *messages = messages
        system_prompt = f"{system_prompt}\n\n{first['content']}"
    return [{"role": "system", "content": system_prompt}, *messages]


def check(messages: Messages) -> Messages:
    """The chat, if it is an optional system prompt, then turns in alternation from user to assistant.

    Raises `UnusableError` otherwise.
    """
    turns = messages[1:] if messages and messages[0]["role"] == "system" else messages
    if not turns:
        raise UnusableError("no answer")
    for number, message in enumerate(turns):
        expected = "assistant" if number % 2 else "user"
        if message["role"] != expected:
            raise UnusableError(f"turn {number + 1} is by {message['role']}, not by {expected}")
    return messages
