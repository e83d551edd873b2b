"""Utility of code by tests that the data brings: `right` where the Python code of an answer passes all of them.

The references of a prompt are its tests, pieces of Python that raise an exception where they fail, as in MBPP. A prompt
that is Python itself and defines a function, as in HumanEval, stands before the code, which may be the function's body
alone; tests that define `check(candidate)` and never call it are called with the last function of the prompt. Code runs in
`sandbox`, and only where a study says `execute_code: true`.
"""

import ast
import textwrap

from tunedrift.text.programs import parses, python_in, syntax_tree
from tunedrift.text.words import words
from tunedrift.verdicts import sandbox
from tunedrift.verdicts.by_rule import Question, Rules

PROMPTS = ("utility",)
"""The kinds of prompts whose answers are judged."""

BY_PATTERNS = False

EXECUTES = True
"""Runs code that a model wrote."""

LIBRARIES = ("python",)
"""What runs the code: its version can change a verdict."""

LABELS = {"passed": "right", "failed": "wrong", "timed_out": "timed_out", "crashed": "crashed"}
"""How a run ends → the label."""


def languages(_: Rules) -> tuple[str, ...]:
    """None: prose around the code may be in whatever language."""
    return ()


def lacks(references: list[str]) -> str | None:
    """What is wrong with a prompt's references, if anything."""
    without = [entry for entry in references if not ((tree := syntax_tree(entry)) and tree.body)]
    return f"the test {without[0]!r} is no Python" if without else None


def label(answer: str, question: Question, _: Rules) -> str:
    """`right`, `wrong`, `timed_out`, `crashed`, `unparsable` without code, `unjudged` in another language, or `empty`."""
    if not words(answer):
        return "empty"
    function = last_function(question.prompt)
    code, language = python_in(answer)
    if function and (code is None or not parses(code)) and not language:
        code = continued(question.prompt, code or answer)
    elif function and code is not None:
        code = f"{question.prompt}\n\n{code}"
    if code is None:
        return "unjudged" if language else "unparsable"
    if not code.strip() or not parses(code):
        return "wrong"
    return LABELS[sandbox.run(code, with_calls(question.reference or [], function))]


def last_function(prompt: str) -> str | None:
    """The name of the last function that a prompt defines; None where it is no Python or defines none."""
    tree = syntax_tree(prompt)
    named = [line.name for line in tree.body if isinstance(line, ast.FunctionDef)] if tree else []
    return named[-1] if named else None


def continued(prompt: str, body: str) -> str | None:
    """The prompt with a function's body behind it, as it stands or indented by four; None where neither parses."""
    indented = textwrap.indent(textwrap.dedent(body), " " * 4)
    return next(
        (code for code in (f"{prompt.rstrip()}\n{body}", f"{prompt.rstrip()}\n{indented}") if parses(code)),
        None,
    )


def with_calls(tests: list[str], function: str | None) -> list[str]:
    """The tests, with a call of `check` behind them where one defines it and none calls it."""
    parts = [part for test in tests if (tree := syntax_tree(test)) for part in ast.walk(tree)]
    defined = any(isinstance(part, ast.FunctionDef) and part.name == "check" for part in parts)
    called = any(isinstance(part, ast.Call) and getattr(part.func, "id", "") == "check" for part in parts)
    return [*tests, f"check({function})"] if function and defined and not called else tests
