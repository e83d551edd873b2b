"""Telling code from prose where no fence says so."""

import re

from tunedrift.text.prose import mask

CODE = re.compile(
    r"""
      ^\s*(import\s+[\w.{*]|from\s+[\w.]+\s+import\b|def\s+\w+\s*\(|class\s+\w+\s*[:({]|function\s*\w*\s*\(|
        (const|let|var)\s+\w+\s*=|(public|private|protected|static)\s+\w+|\#include\b|using\s+\w+.*;|
        (for|while|if|elif|switch)\b.*[:{]\s*$|else\s*[:{]|try\s*[:{]|return\s+[^.]*;?$|print\w*\s*\(|
        SELECT\s.+|INSERT\s+INTO\b|UPDATE\s+\w+\s+SET\b|CREATE\s+TABLE\b|</?\w+[^<>]*>|<!DOCTYPE|
        (sudo|pip|npm|git|apt-get)\s+\w+|\w[\w.\[\]]*\s*[-+*/]?=\s*[^=\s].*[^.]$|[\w.]+\([^()]*\)\s*$)
    | ^\#!/ | ^\s*(then|fi|done|esac|end)$ | ^[A-Za-z_]\w*=["'$(\U000F0000-\U000FFFFD]
    | [;{}]\s*$ | \)\s*=>  | ^\s*[\])}]+[,;]?\s*$ | </\w+>\s*$
    """,
    re.VERBOSE,
)
EQUATION = re.compile(r"\s*\w[\w.\[\]]*\s*[-+*/]?=\s*[^=\s].*[^.]$")
FORMAL = re.compile(r"[\[\]{};_\"`]|(?<!\w)'|\$[({A-Za-z]|[A-Za-z]\(|\blambda\b")
"""What an assignment holds and the equation of a worked solution does not."""


def looks_like_code(text: str) -> bool:
    """Whether a line of `text`, which is in no fence, looks like code."""
    return any(CODE.search(line) for line in mask(text).text.split("\n"))


def is_program(text: str) -> bool:
    """Whether the whole of `text` is code without a fence around it."""
    lines = [line for line in text.split("\n") if line.strip()]
    code = [line for line in lines if CODE.search(line)]
    formal = any(FORMAL.search(line) or not EQUATION.match(line) for line in code)
    return "```" not in text and formal and len(code) * 2 > len(lines)
