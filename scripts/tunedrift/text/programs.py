"""Python code in an answer: in its fenced blocks, or the answer itself."""

import ast
import re
import textwrap
import warnings

from tunedrift.text.code import is_program

FENCE = re.compile(
    r"^[^\S\n]*(?P<fence>`{3,}|~{3,})[^\S\n]*(?P<tag>[^\s`]*)[^\n]*\n(?P<code>.*?)(?:^[^\S\n]*(?P=fence)[`~]*[^\S\n]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
PYTHON = ("python", "python3", "py", "py3")
START = re.compile(r"^(?:from|import|def|class|async|@)\b|^@\w", re.MULTILINE)
"""With what code begins where prose stands before it and no fence around it."""

SENTENCE = re.compile(
    r"(?!(?:def|class|from|import|async|if|for|while|with|try|return|raise|assert|del|global|print|match|else|elif)\b)"
    r"[A-Z][\w'’]*:?(?:$|\s+[\w(`'\"])"
)
"""The beginning of a paragraph of prose behind code without a fence."""


def python_in(text: str) -> tuple[str | None, str | None]:
    """(code, language): the Python code of an answer, None where it holds none; the language of code that is in another.

    Of fenced blocks those that are called Python, joined in their order; else the first that bears no name. A block
    whose end is cut off reaches to the end of the text. Without a fence, the answer itself where it looks like code, less
    the prose before the first definition or import and behind the last paragraph of code. Whether the code is right
    in its syntax is another question: see `parses`.
    """
    blocks = [(found["tag"].strip("{}.").lower(), found["code"]) for found in FENCE.finditer(text)]
    if own := [textwrap.dedent(code) for tag, code in blocks if tag in PYTHON]:
        return "\n".join(own), None
    if unnamed := [textwrap.dedent(code) for tag, code in blocks if not tag]:
        return unnamed[0], None
    if blocks:
        return None, blocks[0][0]
    if start := START.search(text):
        paragraphs = re.split(r"\n[^\S\n]*\n", text[start.start() :])
        while len(paragraphs) > 1 and SENTENCE.match(paragraphs[-1]) and not parses(paragraphs[-1]):
            paragraphs.pop()
        return "\n\n".join(paragraphs), None
    return (text, None) if _says_something(text) or is_program(text) else (None, None)


def _says_something(text: str) -> bool:
    """Whether a text is Python that does anything: a word or a number alone is an expression too."""
    tree = syntax_tree(text)
    return tree is not None and any(
        not isinstance(line, ast.Expr)
        or any(isinstance(part, ast.Call | ast.BinOp | ast.Compare) for part in ast.walk(line))
        for line in tree.body
        if not isinstance(line, ast.AnnAssign)  # "Note: this"
    )


def parses(code: str) -> bool:
    """Whether the text is Python in its syntax, by the version of Python that runs this. Nothing is run.

    The tree alone would let a `return` stand outside of a function.
    """
    tree = syntax_tree(code)
    try:
        return tree is not None and bool(compile(tree, "answer", "exec", dont_inherit=True))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def syntax_tree(code: str) -> ast.Module | None:
    """The syntax tree of Python code; None where there is none: wrong syntax, or nested deeper than Python reads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes that are odd and allowed
        try:
            return ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
