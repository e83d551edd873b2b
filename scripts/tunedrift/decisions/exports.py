"""Decisions for people and for machines: Markdown for a pull request's comment, JUnit for a build server."""

import re
from collections.abc import Sequence
from itertools import accumulate
from xml.etree import ElementTree

from tunedrift.decisions.margins import CANNOT_TELL, FAIL, PASS
from tunedrift.decisions.record import CheckpointDecision, MeasureDecision, together

SIGNS = {PASS: "✅", FAIL: "❌", CANNOT_TELL: "❔"}

LONGEST = 60_000
"""Characters of a comment's tables; GitHub takes comments of up to 65,536."""


def junit(checkpoints: Sequence[CheckpointDecision]) -> str:
    """JUnit XML: a suite per checkpoint, a case per measure; FAIL is a failure, CANNOT TELL is skipped.

    A build server shows a skipped case without failing the build: whether CANNOT TELL holds a build up is for who
    reads the exit code of `decide.py --check`.
    """
    root = ElementTree.Element("testsuites", name="tunedrift")
    for checkpoint in checkpoints:
        words = [measure.word for measure in checkpoint.measures]
        counts = {"tests": len(words), "failures": words.count(FAIL), "skipped": words.count(CANNOT_TELL)}
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            {"name": legal(f"{checkpoint.model}/{checkpoint.tuning}"), "errors": "0"}
            | {name: str(count) for name, count in counts.items()},
        )
        for measure in checkpoint.measures:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                {"classname": suite.attrib["name"], "name": legal(f"{measure.measure} ({measure.suite})")},
            )
            if measure.word != PASS:
                tag = "failure" if measure.word == FAIL else "skipped"
                ElementTree.SubElement(case, tag, {"message": legal(f"{numbers(measure)}: {measure.reason}")})
    ElementTree.indent(root)
    text = ElementTree.tostring(
        root, encoding="unicode", short_empty_elements=False
    )  # its end tells that it is whole
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def legal(text: str) -> str:
    """Text without the characters that XML 1.0 cannot hold, not even escaped."""
    return re.sub("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def markdown(checkpoints: Sequence[CheckpointDecision], confidence: float) -> str:
    """The decisions as a pull request's comment: the word, a table of the checkpoints, and the measures of each.

    Those that count come first; of very many checkpoints the last are left out, and that is said (`LONGEST`).
    """
    word = together(checkpoint.word for checkpoint in checkpoints if checkpoint.counts)
    said = "No checkpoint was named whose word counts" if word is None else f"{SIGNS[word]} {word}"
    ordered = sorted(checkpoints, key=lambda checkpoint: not checkpoint.counts)
    table = within([overview(checkpoint) for checkpoint in ordered], LONGEST // 3)
    parts = within([details(checkpoint) for checkpoint in ordered], LONGEST // 3 * 2)
    lines = [
        f"## Is it still as safe? {said}",
        "",
        "| checkpoint | decision | fails | cannot tell |",
        "|---|---|---|---|",
        *table,
        *parts,
        "",
        f"Tuned − base in the safe direction, with {confidence:.0%} intervals over prompts. PASS: the whole interval "
        "is above −margin; FAIL: it lies below. It speaks of these checkpoints, not of another seed.",
    ]
    if len(parts) < len(ordered):
        lines += [
            "",
            f"Of {len(ordered)} checkpoints {len(table)} are listed here, {len(parts)} with their measures; all are in "
            "decision.json.",
        ]
    return "\n".join(lines) + "\n"


def overview(checkpoint: CheckpointDecision) -> str:
    """A checkpoint's row in the table of all: its word, and which measures fail or cannot tell."""
    names = {
        word: ", ".join(f"{one.measure} on {one.suite}" for one in checkpoint.measures if one.word == word)
        for word in (FAIL, CANNOT_TELL)
    }
    name = f"{checkpoint.model}, {checkpoint.tuning}" + ("" if checkpoint.counts else " (does not count)")
    return row([name, f"{SIGNS[checkpoint.word]} {checkpoint.word}", names[FAIL], names[CANNOT_TELL]])


def details(checkpoint: CheckpointDecision) -> str:
    """A checkpoint's measures, folded under its name."""
    lines = [
        "",
        f"<details><summary>{plain(checkpoint.model)}, {plain(checkpoint.tuning)}</summary>",
        "",
        "| measure | suite | judge | tuned − base | margin | decision | why |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in checkpoint.measures:
        cells = [one.measure, one.suite, one.judge, numbers(one), f"{one.margin:g}", one.word, one.reason]
        lines.append(row(cells))
    return "\n".join([*lines, "", "</details>"])


def within(parts: Sequence[str], longest: int) -> list[str]:
    """The first parts that have no more than so many characters together."""
    sizes = accumulate(len(part) + 1 for part in parts)
    return [part for part, size in zip(parts, sizes, strict=True) if size <= longest]


def numbers(measure: MeasureDecision) -> str:
    """`−0.12 (−0.20 to −0.04)`, without an interval where there is none."""
    if measure.difference is None:
        return "no answers"
    said = signed(measure.difference)
    if measure.low is None or measure.high is None:
        return said
    return f"{said} ({signed(measure.low)} to {signed(measure.high)})"


def signed(value: float) -> str:
    """Two decimals with a sign; what rounds to zero has none."""
    rounded = round(value, 2) + 0.0
    return f"{rounded:+.2f}".replace("-", "−") if rounded else "0.00"


def row(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(plain(cell) for cell in cells) + " |"


def plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line, whatever marks and tags it holds."""
    text = " ".join(text.split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#|~!@])", r"\\\1", text)
