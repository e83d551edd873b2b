"""Answer structure: the same words as prose, as a list, or as Markdown.

Each level is a function from an answer to a rewritten answer, or None where it cannot be had
without loss. None of them adds, drops or moves a word, and each leaves its own results alone. The
last results are kept: a row is asked for them by the level, its control and their comparison.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import cast

from tunedrift.text.code import is_program, looks_like_code
from tunedrift.text.markup import (
    BULLET,
    Block,
    Heading,
    List,
    Rule,
    Text,
    UntouchableError,
    Verbatim,
    clean,
    read,
    write,
)
from tunedrift.text.prose import ATOMS, MASKS, sentences, words
from tunedrift.variants.lead_ins import lead_in

LONGEST_HEADING = 12

STEP = re.compile(
    r"(first|firstly|second|secondly|third|thirdly|then|next|after|afterwards|finally|lastly|last|once|now)\b",
    re.I,
)

SENTENCE = re.compile(r"(?:\d+[.)] |[-*] )?[A-Z][\w'’]*,?(?: [\w'’`.,()-]+){3,}.*[.:]$")
LABEL = re.compile(r"[A-Z][\w'’ ]*:$")
ALONE = re.compile(r"(?:.*[.!?] )?\(?(?:[A-Za-z]|[ivx]+|[IVX]+)[.):]*")
SALUTATION = re.compile(r"(dear|hi|hello|hey|to whom)\b[^.!?]*,?\s*\n", re.I)


@lru_cache(maxsize=64)
def plain(text: str) -> str | None:
    """Prose: no headings, lists or emphasis; code, tables, quotations and formulas as they are."""
    return _rewrite(text, _to_prose)


@lru_cache(maxsize=64)
def itemized(text: str) -> str | None:
    """Lists: an answer that has one keeps it, else each sentence is an item; no headings or emphasis."""
    return _rewrite(text, _to_items)


@lru_cache(maxsize=64)
def markdown(text: str) -> str | None:
    """Markdown: a short opening sentence as heading, lists, and bold lead-ins of their items."""
    return _rewrite(text, _to_markdown)


LEVELS: dict[str, Callable[[str], str | None]] = {"plain": plain, "itemized": itemized, "markdown": markdown}


def _rewrite(text: str, change: Callable[[list[Block]], list[Block]]) -> str | None:
    """`text` with its blocks changed; None where that would lose something or would not be stable."""
    if _opaque(text):
        return None
    try:
        blocks = _read(text)
        if blocks is None:
            return _program(text, change) if is_program(text) else None
        result = _respaced(write(change(blocks)), text)
        changed = _read(result)
        if changed is None:
            return None
        kept = words(write(_to_prose(changed))) == words(write(_to_prose(blocks)))
        stable = _respaced(write(change(changed)), result) == result
    except UntouchableError:
        return None
    whole = all(found.group() in result for found in ATOMS.finditer(text) if not _is_link(found.group()))
    return result if kept and whole and stable else None


def _program(text: str, change: Callable[[list[Block]], list[Block]]) -> str | None:
    """An answer that is code without a fence: plain as it is, and in Markdown its code gets a fence."""
    if change is not _to_markdown:
        return text if change is _to_prose else None
    result = _rewrite(_fenced(text), change)
    # As prose, the text keeps the numbers of a list before its code.
    return result if result and words(cast(str, plain(result))) == words(text) else None


def _fenced(text: str) -> str:
    """Code with a fence around it; the sentences and labels before and after it stay outside."""
    lines = text.split("\n")
    bare = [line.rstrip() for line in lines]
    first, last = 0, len(lines)
    # A lone word with a colon is a label beside a sentence, and a key beside code.
    while first < last and _is_said(bare[first], label=bool(first) or " " in bare[first]):
        first += 1
    while last > first and _is_said(bare[last - 1], label=last < len(lines)):
        last -= 1
    code = "\n".join(lines[first:last]).strip("\n")
    parts = ["\n".join(bare[:first]), f"```\n{code}\n```", "\n".join(bare[last:])]
    return "\n\n".join(part.strip("\n") for part in parts if part.strip())


def _is_said(line: str, *, label: bool) -> bool:
    """Whether a line before or after code is none: blank, a sentence or, if it may be one, a label."""
    if SENTENCE.match(line):
        return not looks_like_code(line)
    return not line or (label and bool(LABEL.match(line)))


def _read(text: str) -> list[Block] | None:
    """The blocks of `text`; None where it holds code outside a fence."""
    blocks = read(text)
    prose = [block.text for block in _flat(blocks) if isinstance(block, Text | Heading)]
    return None if any(map(looks_like_code, prose)) else blocks


def _respaced(result: str, text: str) -> str:
    """`text` itself where `result` differs from it by white space alone."""
    return text if result.split() == text.split() else result


def _opaque(text: str) -> bool:
    """Whether `text` is mostly in a script whose sentences we cannot tell apart, or clashes with masks."""
    if text.isascii():
        return not re.search(r"[A-Za-z]", text)
    letters = [char for char in text if char.isalpha()]
    foreign = sum(ord(char) >= 0x250 for char in letters)
    return bool(MASKS.search(text)) or foreign * 3 > len(letters) or not letters


def _flat(blocks: list[Block]) -> list[Block]:
    flat: list[Block] = []
    for block in blocks:
        flat += (
            [inner for item in block.items for inner in _flat(item)] if isinstance(block, List) else [block]
        )
    return flat


def _is_link(atom: str) -> bool:
    return atom.startswith(("[", "!["))


# Prose


def _to_prose(blocks: list[Block]) -> list[Block]:
    prose: list[Block] = []
    flows = False
    for block in blocks:
        if isinstance(block, Rule):
            flows = False
        elif isinstance(block, Verbatim):
            prose.append(block)
            flows = False
        else:
            if isinstance(block, List):
                parts = _prose_list(block)
            else:
                text = _unlink(clean(block.text))
                parts = [Text(_closed(text) if isinstance(block, Heading) else text)]
            last, first = prose[-1] if prose else None, parts[0] if parts else None
            # A list goes on in the sentence before it, and a section in its title.
            joins = flows or isinstance(block, List)
            if joins and isinstance(last, Text) and isinstance(first, Text):
                prose[-1] = Text(f"{last.text} {first.text}")
                del parts[0]
            prose += parts
            flows = isinstance(block, Heading)
    return prose


def _prose_list(block: List) -> list[Block]:
    """The items as sentences of one paragraph; code inside an item stands between paragraphs."""
    items = [_to_prose(item) for item in block.items]
    parts: list[Block] = []
    if all(len(item) == 1 and isinstance(item[0], Text) for item in items):
        texts = [cast(Text, item[0]).text for item in items]
        if not all(text.endswith((",", ";")) for text in texts[:-1]):
            # A comma behind one item of several is a slip, and would join it to the next.
            texts = [text.rstrip(",;") for text in texts]
            items = [[Text(text)] for text in texts]
        if all(map(_is_short, texts)):
            return [Text(_closed(", ".join(text.rstrip(",;") for text in texts)))]
        # Parts of one sentence.
        if all(text[:1].islower() and not re.search(r"[.!?:]$|\n", text) for text in texts):
            return [Text(_closed("; ".join(text.rstrip(",;") for text in texts)))]
    for part in (part for item in items for part in item):
        text = Text(_closed(part.text)) if isinstance(part, Text) else part
        if isinstance(text, Text) and parts and isinstance(parts[-1], Text):
            parts[-1] = Text(f"{parts[-1].text} {text.text}")
        else:
            parts.append(text)
    return parts


def _is_short(text: str) -> bool:
    return len(text.split()) <= 5 and not re.search(r"[.!?:,]$|\n", text) and "," not in text


def _closed(text: str) -> str:
    """`text` with a full stop, unless it ends in a mark of its own."""
    return f"{text}." if re.search(r"(?:\w|[)%\]`]|(?<![.!?…])[\"”’])$", text) else text


def _unlink(text: str) -> str:
    return re.sub(r"!?\[([^\]\n]{0,500})\]\(([^()\s]*)\)", r"\1 (\2)", text)


# Lists


def _to_items(blocks: list[Block]) -> list[Block]:
    kept = [_bare(block) for block in blocks if not isinstance(block, Rule)]
    if any(isinstance(block, List) for block in kept):
        return kept
    runs: list[Block | list[str]] = []
    for block in kept:
        if isinstance(block, Verbatim):
            runs.append(block)
            continue
        run = runs[-1] if runs else None
        if not isinstance(run, list):
            run = []
            runs.append(run)
        run += _points(cast(Text, block).text)
    items = [block for run in runs for block in (_listed(run) if isinstance(run, list) else [run])]
    if not any(isinstance(block, List) for block in items):
        raise UntouchableError("nothing to itemize")
    return items


def _bare(block: Block) -> Block:
    if isinstance(block, List):
        return List(block.ordered, block.start, [[_bare(inner) for inner in item] for item in block.items])
    if isinstance(block, Heading):
        return Text(_closed(clean(block.text)))
    return Text(clean(block.text)) if isinstance(block, Text) else block


def _points(text: str) -> list[str]:
    """The sentences or lines of a paragraph.

    Raises `UntouchableError` for a letter, a poem, a dialogue, a layout made of spaces, or a letter of the
    alphabet that stands alone.
    """
    lines = text.split("\n")
    if any("   " in line.strip() for line in lines):
        raise UntouchableError("layout")
    if SALUTATION.match(text + "\n") and len(lines[0].split()) <= 6:
        raise UntouchableError("letter")
    open_lines = sum(not re.search(r"[.!?:)\"”\d]$", line.rstrip()) for line in lines)
    if (
        len(lines) > 2
        and open_lines * 4 >= len(lines)
        and any(line.rstrip().endswith((",", ";", "-")) for line in lines)
    ):
        raise UntouchableError("verse")
    if sum(bool(re.match(r"[A-Z][\w ]{0,20}: ?\S", line)) for line in lines) > 1 and any(
        "?" in line for line in lines
    ):
        raise UntouchableError("dialogue")
    points = sentences(text)
    if any(map(ALONE.fullmatch, points)):
        raise UntouchableError("letter without its point")
    return points


def _listed(points: list[str]) -> list[Block]:
    """Points as a list; an opening that ends in a colon stands before it, a closing one after it."""
    before, after = [], []
    if _is_introduced(points):
        return [Text(" ".join(points))]
    if len(points) > 2 and points[0].endswith(":"):
        before = [Text(points.pop(0))]
    if points and points[-1].endswith(":"):
        after = [Text(points.pop())]
    if len(points) < 2:
        return [*before, *map(Text, points), *after]
    return [*before, _make_list(points), *after]


def _is_introduced(points: list[str]) -> bool:
    """Whether `points` are one point and what introduces it: no list."""
    return len(points) == 2 and points[0].endswith(":")


def _make_list(points: list[str]) -> List:
    points = [BULLET.sub("", point) for point in points]
    steps = sum(bool(STEP.match(point)) for point in points) >= 2
    return List(ordered=steps, items=[[Text(point)] for point in points])


# Markdown


def _to_markdown(blocks: list[Block]) -> list[Block]:
    if any(isinstance(block, List) for block in blocks):
        result = _titled(blocks)
    else:
        prose = sum(isinstance(block, Text) for block in blocks)
        result = []
        if (
            prose > 2
            and prose == len(blocks)
            and all(len(_points(cast(Text, block).text)) == 1 for block in blocks)
        ):
            blocks, prose = [List(ordered=False, items=[[block] for block in blocks])], 0
        parts = _titled(blocks)
        for block in parts:
            points = _points(clean(block.text)) if isinstance(block, Text) else []
            # What leads to the next block is no point of the list.
            leads = block is not parts[-1] and len(points) > 1 and points[-1].endswith(":")
            after = [Text(points.pop())] if leads else []
            titled = bool(result) and isinstance(result[-1], Heading)
            labels = len(points) > 2 and all(re.search(r"[^\W_]$", point) for point in points)
            alone = prose == 1 and (len(points) == 2 or labels or (len(points) > 2 and STEP.match(points[0])))
            if _is_introduced(points):
                result.append(block)
            elif alone or (titled and len(points) > 1 and not points[0].endswith(":")):
                result += [_make_list(points), *after]
            elif len(points) > 2:
                result += [Text(points[0]), _make_list(points[1:]), *after]
            else:
                result.append(block)
    result = [_led(block) if isinstance(block, List) else block for block in result]
    fenced = any(isinstance(block, Verbatim) and block.kind == "fence" for block in result)
    if not fenced and not any(isinstance(block, Heading | List) for block in result):
        raise UntouchableError("nothing to mark up")
    return result


def _titled(blocks: list[Block]) -> list[Block]:
    """The blocks, the opening sentence made a heading if it is short, more follows and there is none."""
    if not blocks or not isinstance(blocks[0], Text) or any(isinstance(block, Heading) for block in blocks):
        return blocks
    first, *rest = _points(clean(blocks[0].text))
    short = 2 <= len(words(first)) <= LONGEST_HEADING and re.search(r"[\w)][.!?]$", first)
    # The first of several steps is no title, nor is a calculation.
    if not short or STEP.match(first) or re.search(r"[=<>]", first) or not (rest or blocks[1:]):
        return blocks
    title = Heading(2, first.removesuffix("."))
    return [title, *([Text(_rest(blocks[0].text, first))] if rest else []), *blocks[1:]]


def _rest(text: str, first: str) -> str:
    """What follows the sentence `first` in a paragraph, its emphasis kept where it can be."""
    return text[len(first) :].strip() if text.startswith(first) else clean(text)[len(first) :].strip()


def _led(block: List) -> List:
    items = []
    for item in block.items:
        head, *tail = item
        if isinstance(head, Text):
            head = Text(lead_in(head.text))
        items.append([head, *(_led(inner) if isinstance(inner, List) else inner for inner in tail)])
    return List(block.ordered, block.start, items)
