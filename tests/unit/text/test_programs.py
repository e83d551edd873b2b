"""Python code in an answer: where it begins and ends, and what is none."""

import pytest

from tunedrift.text.programs import parses, python_in

ADD = "def add(a, b):\n    return a + b"
ANSWERS = {
    "a fence with a name": (f"Here it is:\n\n```python\n{ADD}\n```\nIt adds.", f"{ADD}\n"),
    "a fence without a name": (f"```\n{ADD}\n```\n\nOutput:\n\n```\n3 is it\n```", f"{ADD}\n"),
    "the fence with Python's name among others": (f"```bash\npip install x\n```\n```py\n{ADD}\n```", f"{ADD}\n"),
    "two fences with a name": ("```python\nx = 1\n```\nthen\n```python\ny = x\n```", "x = 1\n\ny = x\n"),
    "a fence in a list": ("1. Write:\n   ```python\n   def f():\n       return 1\n   ```", "def f():\n    return 1\n"),
    "tildes": (f"~~~python\n{ADD}\n~~~", f"{ADD}\n"),
    "a fence whose end is cut": ("```python\ndef add(a, b):\n    return a +", "def add(a, b):\n    return a +"),
    "code alone": (ADD, ADD),
    "prose around code without a fence": (f"Sure, here it is:\n\n{ADD}\n\nThis adds two numbers.", ADD),
    "cut code without a fence": (f"{ADD}\n\ndef sub(a, b):\n    return a -", f"{ADD}\n\ndef sub(a, b):\n    return a -"),
    "an assignment": ("total = sum([1, 2])", "total = sum([1, 2])"),
    "broken code alone": ("total = sum([1, 2)\nprint(total)\nlast = total[", "total = sum([1, 2)\nprint(total)\nlast = total["),
    "a call": ("print('x')", "print('x')"),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_code_is_found(name):
    text, code = ANSWERS[name]
    assert python_in(text) == (code, None)


@pytest.mark.parametrize(
    "text", ["Yes", "42", "", "It adds two numbers.", "Note: this", "I cannot do that.", "True"]
)
def test_prose_is_no_code(text):
    assert python_in(text) == (None, None)


def test_code_in_another_language_is_named():
    assert python_in("```javascript\nconst x = 1;\n```") == (None, "javascript")


@pytest.mark.parametrize(
    ("code", "right"),
    [
        (ADD, True),
        (r"x = '\d'", True),  # an odd escape is allowed
        ("def f(:", False),
        ("print 'x'", False),
        ("return 1", False),
        ("x = 1\0", False),
        ("(" * 5000 + ")" * 5000, False),
        ("x = '\ud800'", False),
        ("-" * 100_000 + "1", False),
    ],
)
def test_code_parses_or_not_and_never_stops_the_judge(code, right):
    assert parses(code) is right
