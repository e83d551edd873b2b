"""What the structure levels do to public answers: one table of what was transformed and what went wrong.

Not part of the tests: `python tests/benchmarks/check_structure.py FILE …`. Ends with status 1 where anything is wrong.
The patterns are its own, so that it does not repeat what the levels believe of themselves.
"""

import argparse
import re
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

NUMBERS = re.compile(r"^[ \t]*(?:[-*+][ \t]+|\d{1,3}[.)](?:\s+|(?=[^\W\d_])))+", re.MULTILINE)
"""The bullets and numbers of a list's item, which are no words of the answer."""

FIGURE = r"[$€£]?\d[\d.,]*[ \t]*"
SIGNED = re.compile(
    rf"^[ \t]*(\+)[ \t]*(\S+)|^[ \t]*([-−–])(\d\S*)|^[ \t]*{FIGURE}\n[ \t]*([-−–*×÷·])[ \t]*([$€£]?\d\S*)",
    re.MULTILINE,
)
"""A line that begins with a sign: a plus, a negative number, or a figure under a figure."""

POINT = re.compile(r"^\s*(?:[-*]|\d+\.|#+) (.+)$", re.MULTILINE)
LETTER = re.compile(r"\(?[^\W\d_][.)]*")
SHORT = re.compile(
    r"(?:^|[\s(])(?:[A-Z]|[Vv]s?|Dr|Mrs?|Ms|Prof|St|Jr|Sr|Inc|Ltd|Co|Nos?|Nr|Gen|Gov|Sen|Rev|Capt|Fig|Mt|al|cf|ca|approx|"
    r"bzw|vgl|ggf|inkl|Abb|(?:[^\W\d_]\. ?)+[^\W\d_]|(?:am|[Dd](?:er|ie|as|em|en|es)|[Ii]m|[Vv]om|[Zz]um) \d+)\.$"
)
"""The end of a point that is none: an abbreviation, initials or a German ordinal number."""

BULLETS = re.compile(
    r"^[ \t]*[•◦▪▫●○■◆‣⁃►▶➤]\s*\S|(?:^[ \t]*[-–—*][ \t]*[A-Z][a-z].*(?:\n|\Z)){2}", re.MULTILINE
)
FENCE = re.compile(r"^ *(```|~~~).*?^ *\1", re.MULTILINE | re.DOTALL)

FAULTS = (
    "signs changed",
    "one-letter items",
    "items cut after an abbreviation",
    "typed bullets left in plain",
    "words lost",
)


def signs_changed(answer: str, result: str) -> bool:
    """Whether a term of the answer no longer has its sign in front."""
    terms = Counter(tuple(part for part in found.groups() if part) for found in SIGNED.finditer(answer))
    return any(
        len(re.findall(rf"{re.escape(sign)}[ \t]*{re.escape(term)}", result)) < count
        for (sign, term), count in terms.items()
    )


def points(answer: str, result: str) -> list[str]:
    """The items and headings of the result that are no line of the answer, without emphasis."""
    had = {line.strip() for line in POINT.findall(answer)}
    return [point.replace("**", "").strip() for point in POINT.findall(result) if point not in had]


def is_cut(point: str, answer: str) -> bool:
    """Whether a point ends in an abbreviation where the answer goes on in the same line."""
    closed = point if point.endswith(".") else f"{point}."
    return bool(SHORT.search(closed)) and bool(re.search(re.escape(closed) + r"[*_]*[ \t]+\S", answer))


def words_of(text: str) -> list[str]:
    """The words of a text in order, without the numbers of its lists."""
    from tunedrift.text.prose import words

    return words(NUMBERS.sub("", text.replace("**", "")))


def faults(answer: str, result: str, level: str) -> list[str]:
    """What is wrong with the result of a level."""
    new = points(answer, result)
    found = (
        signs_changed(answer, result),
        any(map(LETTER.fullmatch, new)),
        any(is_cut(point, answer) for point in new),
        level == "plain" and bool(BULLETS.search(FENCE.sub("", result))),
        words_of(answer) != words_of(result),
    )
    return [name for name, wrong in zip(FAULTS, found, strict=True) if wrong]


def answers(files: list[str]) -> list[str]:
    """The last answer of each usable row."""
    from tunedrift.instructions.loading import load
    from tunedrift.sources.reading import read_rows

    rows, _ = load(
        read_rows(files), dataset="these files", repeats="none", max_rejected=1, log=lambda _: None
    )
    return [row["messages"][-1]["content"] for row in rows]


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("files", nargs="+", metavar="FILE", help="instruction data: .json, .jsonl …")
    options.add_argument("--show", type=int, default=0, help="how many answers of each fault to print")
    return options


def main(options: argparse.Namespace) -> None:
    """Run the levels over all answers and print the table."""
    from tunedrift.variants.structure import LEVELS

    texts = answers(options.files)
    table = {level: Counter(answers=len(texts)) for level in LEVELS}
    for level, change in LEVELS.items():
        counts, taken = table[level], 0.0
        for answer in texts:
            began = time.process_time()
            result = change(answer)
            taken += time.process_time() - began
            if result is None:
                continue
            counts["transformed"] += 1
            for fault in faults(answer, result, level):
                counts[fault] += 1
                if counts[fault] <= options.show:
                    print(f"{level}: {fault}:\n{answer!r}\n{result!r}\n")
        counts["seconds"] = round(taken)
    names = ("answers", "transformed", *FAULTS, "seconds")
    print(" " * 32 + "".join(f"{level:>10}" for level in table))
    for name in names:
        print(f"{name:<32}" + "".join(f"{counts[name]:>10,}" for counts in table.values()))
    if any(counts[fault] for counts in table.values() for fault in FAULTS):
        sys.exit(1)


if __name__ == "__main__":
    from tunedrift.jobs import cli

    cli.run(main, parser())
