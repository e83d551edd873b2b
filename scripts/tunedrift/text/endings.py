"""How a sentence is put at an answer's end: on its last line or as a paragraph, before a closing result."""

import re

RESULT = re.compile(r" {0,3}#{2,6}[ \t](?=.*\d)[\W\d_]+")
"""A closing line like "#### 18", which states the result of a worked solution."""


def close(text: str, sentence: str) -> str:
    """`sentence` at the end of an answer, before a closing result."""
    body, result = split_result(text)
    return append(body, sentence) + result


def split_result(text: str) -> tuple[str, str]:
    """An answer without its closing result, and that result with the white space around it, "" if there is none."""
    body, _, last = text.rstrip().rpartition("\n")
    body = body.rstrip()
    return (body, text[len(body) :]) if body and RESULT.fullmatch(last) else (text, "")


def append(text: str, sentence: str) -> str:
    """`sentence` behind `text`: on its last line if that is a whole sentence, else as a paragraph."""
    last = text[text.rfind("\n") + 1 :]
    flows = last[:1].isalpha() and last.endswith((".", "!", "?"))
    return f"{text}{' ' if flows else chr(10) * 2}{sentence}"
