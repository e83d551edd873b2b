"""Markdown as blocks: read with markdown-it, changed by the structure transforms, written back."""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, cast

from tunedrift.text.prose import MONTH, mask

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode


class UntouchableError(Exception):
    """The text holds something that cannot be taken apart and put together without loss."""


@dataclass
class Text:
    """A paragraph: its source lines."""

    text: str


@dataclass
class Heading:
    """A heading of level 1 to 6."""

    level: int
    text: str


@dataclass
class Verbatim:
    """Source lines that nobody changes: code, a table, a quotation, HTML, a formula or a bare figure."""

    text: str
    kind: str


@dataclass
class Rule:
    """A thematic break."""

    text: str


@dataclass
class List:
    """A list; each item is a list of blocks."""

    ordered: bool
    start: int = 1
    items: list[list["Block"]] = field(default_factory=list)


Block = Text | Heading | Verbatim | Rule | List

VERBATIM = frozenset({"fence", "code_block", "blockquote_open", "table_open", "html_block"})
"""Tokens of blocks that nobody changes."""

BLOCKED = re.compile(r"^\s*(?:```|~~~|>|<|\||    |\t)|\|", re.MULTILINE)
"""Without one of these a text has no such block."""

_VARIABLE = r"[A-Z](?:\d|\s*[-+*/=^<>±]|\s*$)"
BULLET = re.compile(
    r"^\s*(?:[•◦▪▫●○■◆◇‣⁃►▶➤➢❖]\s*(?=\S)|[∙·]\s*(?!\d+\w?\s*$)(?=\S)"
    rf"|--?\s*(?!{_VARIABLE})(?=[\"“]|[^\W\d_a-z])|[-*]\s+(?=[^\W\d_]{{2}})|--\s+(?=\d)"
    rf"|[–—]\s*(?!{_VARIABLE})(?=[\"“]|[^\W\d_])|\*(?=[^\W\d_][^*]*$))"
)
"""A bullet that Markdown does not know, or a mark that lacks its space; not the sign of a number or variable."""

NUMBERED = re.compile(r"^\s*(?P<label>\d{1,2})[.)](?:\s+(?=\S)|(?=[^\W\d_]))")
"""A number with or without the space that Markdown wants."""

LETTERED = re.compile(r"^\s*\(?(?P<label>[A-Za-z]|[ivx]{2,5}|[IVX]{2,5})(?:\.\)|[.)])\s*(?=[^\s.])")
"""A letter or Roman number of a point: "a. Spring", "(ii) Summer"."""

ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv")

AMOUNT = re.compile(r"\s*[$€£]?\d")
HYPHENED_AMOUNT = re.compile(r"\s*[-–—]\d[\d.,/]* ?[^\W\d_]{2}")
"""Two cups after a hyphen, or two degrees below zero: nobody can tell."""

FORMULA = re.compile(r"\$\$|\\\[|\\begin\{")


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    # Inline content stays source text; a link reference definition would vanish from the tokens.
    return MarkdownIt("commonmark").enable("table").disable(["inline", "reference"])


@cache
def _inline_parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    parser = MarkdownIt("zero").enable(["emphasis", "balance_pairs", "escape", "fragments_join"])
    return parser.disable("text_join", ignoreInvalid=True)


def read(text: str) -> list[Block]:
    """The blocks of a Markdown text. Raises `UntouchableError`."""
    from markdown_it.tree import SyntaxTreeNode

    tree, lines = SyntaxTreeNode(_parser().parse(text)), text.split("\n")
    return _blocks(tree.children, lines)


def _blocks(
    nodes: list["SyntaxTreeNode"], lines: list[str], parent: "SyntaxTreeNode | None" = None
) -> list[Block]:
    """The blocks of a text, or of an item of the list `parent`."""
    blocks: list[Block] = []
    for before, node, after in zip([None, *nodes], nodes, [*nodes[1:], None], strict=False):
        last = blocks[-1] if blocks else None
        first, _ = cast(tuple[int, int], node.map)
        content = node.children[0].content if node.type == "paragraph" else ""
        if node.type == "bullet_list" and _has_signs(node, before):
            raise UntouchableError("signs")
        if content and FORMULA.match(content):
            content = ""
        if content and not parent and (number := _lone_number(node)):
            goes_on = isinstance(last, List) and last.ordered and number == last.start + len(last.items)
            item: list[Block] = [Text(NUMBERED.sub("", content))]
            if goes_on:
                cast(List, last).items.append(item)
                continue
            if after and _lone_number(after) == number + 1:
                blocks.append(List(ordered=True, start=number, items=[item]))
                continue
        if content:
            blocks += _paragraph(content, parent)
            continue
        block = _block(node, lines, nested=parent is not None)
        # No blank line comes between `<!DOCTYPE html>` and `<html>`.
        close = not parent and lines[first - 1].strip()
        if close and isinstance(block, Verbatim) and isinstance(last, Verbatim):
            blocks[-1] = Verbatim(f"{last.text}\n{block.text}", last.kind)
        else:
            blocks.append(block)
    return blocks


def _lone_number(node: "SyntaxTreeNode") -> int | None:
    """The typed number of a paragraph that is one line."""
    content = node.children[0].content if node.type == "paragraph" else ""
    found = NUMBERED.match(content)
    return int(found["label"]) if found and "\n" not in content else None


def verbatim(text: str) -> list[str]:
    """The source of code blocks, quotations, tables and HTML, in order; none inside another."""
    if not BLOCKED.search(text):
        return []
    found, lines, end = [], text.split("\n"), 0
    for token in _parser().parse(text):
        if token.type in VERBATIM and (span := cast(list[int], token.map))[0] >= end:
            first, end = span
            found.append("\n".join(lines[first:end]).strip("\n"))
    return [block for block in found if block.strip()]


def _block(node: "SyntaxTreeNode", lines: list[str], *, nested: bool) -> Block:
    first, last = cast(tuple[int, int], node.map)
    source = "\n".join(lines[first:last]).rstrip("\n")
    inline = node.children[0].content if node.type == "heading" and node.children else ""
    if node.type in ("bullet_list", "ordered_list"):
        block: Block = _list(node, lines)
    elif node.type == "hr":
        block = Rule(source)
    elif node.type == "heading" and _is_title(inline):
        block = Heading(int(node.tag[1]), inline)
    elif nested and node.type == "fence":
        block = Verbatim(f"{node.markup}{node.info}\n{node.content}{node.markup}", "fence")
    elif nested:
        raise UntouchableError(node.type)
    else:
        block = Verbatim(source, node.type)
    return block


def _is_title(heading: str) -> bool:
    """Whether a heading says something: "#### 18" is the result of a worked solution."""
    return bool(re.search(r"[^\W\d_]", heading))


def _has_signs(node: "SyntaxTreeNode", before: "SyntaxTreeNode | None") -> bool:
    """Whether the marks of a bullet list are signs: of a sum in columns, or of the terms under a term."""
    if node.markup == "+":
        return True
    inner = node.children[0].children
    first = inner[0].children[0].content if inner and inner[0].type == "paragraph" else ""
    if any(line.startswith("= ") for line in first.split("\n")):
        return True
    if before is None or before.type != "paragraph":
        return False
    above = before.children[0].content.rsplit("\n", 1)[-1].rstrip()
    touches = cast(tuple[int, int], before.map)[1] == cast(tuple[int, int], node.map)[0]
    under = _is_term(above) or (touches and bool(AMOUNT.match(above)))
    return under and (_is_term(first) or bool(AMOUNT.match(first)))


def _is_term(line: str) -> bool:
    """Whether a line is a number or a formula without words."""
    return bool(re.search(r"\w", line)) and not re.search(r"[^\W\d_]{3}|:$", line)


def _paragraph(text: str, parent: "SyntaxTreeNode | None") -> list[Block]:
    """A paragraph in which lists that are typed, behind a line or before one, are lists of their own.

    A bullet makes a list by itself; hyphens, numbers that count on and letters that go on do so in two
    lines or more. Letters stay in their items, as Markdown has none.
    """
    lines = text.split("\n")
    if sum(bool(HYPHENED_AMOUNT.match(line)) for line in lines) > 1:
        raise UntouchableError("a hyphen before an amount")
    marks = [_mark(line) for line in lines]
    blocks: list[Block] = []
    rest: list[str] = []
    place = 0
    while place < len(lines):
        kind, label = marks[place]
        ordered = kind == "number"
        if parent and place and kind in ("hyphen", "number") and ordered == (parent.type == "ordered_list"):
            # "- Tea" and then "-Milk": a point of the list around it, most likely.
            raise UntouchableError("a typed list in a list")
        items = _typed_items(lines, marks, place)
        if len(items) > 1 or (items and kind == "bullet"):
            if rest:
                blocks.append(Text("\n".join(rest).rstrip()))
                rest = []
            texts = ["\n".join(item) for item in items]
            if ordered and all(MONTH.match(text) for text in texts):
                raise UntouchableError("dates")
            blocks.append(List(ordered, int(label) if ordered else 1, [[Text(text)] for text in texts]))
            place += sum(map(len, items))
        else:
            rest.append(lines[place])
            place += 1
    return [*blocks, Text("\n".join(rest))] if rest else blocks


def _mark(line: str) -> tuple[str, str]:
    """What a line begins with (bullet, hyphen, number, letter or nothing), and the number or letter."""
    if BULLET.match(line):
        return ("hyphen" if line.lstrip()[0] in "-–—*" else "bullet"), ""
    for kind, form in (("number", NUMBERED), ("letter", LETTERED)):
        if found := form.match(line):
            return kind, found["label"]
    return "", ""


def _typed_items(lines: list[str], marks: list[tuple[str, str]], place: int) -> list[list[str]]:
    """The lines of each item of the typed list that begins in line `place`, without bullets and numbers."""
    kind, label = marks[place]
    items: list[list[str]] = []
    for line, mark in zip(lines[place:], marks[place:], strict=True) if kind else ():
        if mark[0] == kind and (not items or _counts_on(kind, label, mark[1])):
            body = line if kind == "letter" else (NUMBERED if kind == "number" else BULLET).sub("", line)
            items.append([body.strip()])
            label = mark[1]
        elif not mark[0] and (line[:1].isspace() or line[:1].islower()):
            items[-1].append(line.strip())
        else:
            break
    return items


def _counts_on(kind: str, first: str, second: str) -> bool:
    if kind == "number":
        return int(second) == int(first) + 1
    if kind != "letter":
        return True
    if len(first) == len(second) == 1 and ord(second) == ord(first) + 1:
        return True
    same, (one, two) = first.islower() == second.islower(), (first.lower(), second.lower())
    return same and one in ROMAN and two in ROMAN and ROMAN.index(two) == ROMAN.index(one) + 1


def _list(node: "SyntaxTreeNode", lines: list[str]) -> List:
    ordered = node.type == "ordered_list"
    start = int(node.children[0].info) if ordered else 1
    for number, item in enumerate(node.children, start=start):
        # A number out of turn is content: "1984. A year".
        if ordered and int(item.info) != number:
            raise UntouchableError("list numbers")
    if ordered and start > 30 and len(node.children) == 1:
        raise UntouchableError("list numbers")
    items = [_blocks(item.children, lines, node) for item in node.children]
    if not all(items):
        raise UntouchableError("empty item")
    # "3. Oktober" is a date.
    if ordered and all(isinstance(item[0], Text) and MONTH.match(item[0].text) for item in items):
        raise UntouchableError("dates")
    return List(ordered, start, items)


def write(blocks: list[Block]) -> str:
    """The blocks as Markdown: one blank line between them, list items close together."""
    return "\n\n".join(_written(block) for block in blocks)


def _written(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {block.text}"
    if isinstance(block, List):
        lines = []
        for number, item in enumerate(block.items, start=block.start):
            marker = f"{number}. " if block.ordered else "- "
            body = _item(item).split("\n")
            lines += [marker + body[0], *(" " * len(marker) + line if line else "" for line in body[1:])]
        return "\n".join(lines)
    return block.text


def _item(blocks: list[Block]) -> str:
    joined = _written(blocks[0])
    for block in blocks[1:]:
        joined += ("\n" if isinstance(block, List) else "\n\n") + _written(block)
    return joined


def clean(text: str) -> str:
    """Inline source without the marks of emphasis; code, links, formulas and quotations stay.

    A mark inside a word or a formula (`2*3*4`, `(1/2)*$5`, `__init__`) is no emphasis, nor is a quoted
    asterisk, and underscores stay:
    in answers they belong to names more often than to emphasis.
    """
    if "*" not in text:
        return text
    masked = mask(text)
    tokens = cast("list[Token]", _inline_parser().parseInline(masked.text)[0].children)
    parts = [token.markup if token.type == "text_special" else token.content for token in tokens]
    for place, token in enumerate(tokens):
        if token.type in ("softbreak", "hardbreak"):
            parts[place] = "\n"
    opened: list[tuple[int, bool]] = []
    before = ""
    for place, token in enumerate(tokens):
        if token.type.endswith("_open"):
            inside = next((part[0] for part in parts[place + 1 :] if part), "")
            opened.append((place, _can_open(token.markup, before, inside)))
        elif token.type.endswith("_close"):
            after = next((part[0] for part in parts[place + 1 :] if part), "")
            start, free = opened.pop()
            if token.markup.startswith("_") or not free or after.isalnum() or (after and after in "$('’"):
                parts[start] = parts[place] = token.markup
        before = parts[place][-1:] or before
    return masked.restore("".join(parts))


MARKED = re.compile(r"^ *(?:[-+*>#=|]|\d+[.)]|```|~~~| {4}|\t)|\*\*|\|", re.MULTILINE)
"""Without one of these a text has no element that is counted."""


def _can_open(mark: str, before: str, inside: str) -> bool:
    """Whether a mark between these characters is one of emphasis, not a product's or a quoted asterisk."""
    product = before.isalnum() or (before and before in ")]}'’%$") or (mark == "*" and inside.isdigit())
    # `.*` and `/*` belong to expressions, paths and comments.
    product = product or (mark == "*" and bool(before) and before in "./")
    return not product and not (inside and inside in "$('’")


ELEMENTS = {
    "heading_open": "headings",
    "list_item_open": "list_items",
    "fence": "code_blocks",
    "code_block": "code_blocks",
    "table_open": "tables",
    "blockquote_open": "quotations",
}


def count_elements(text: str) -> dict[str, int]:
    """How many headings, list items, code blocks, tables, quotations and bold stretches `text` has."""
    counts = dict.fromkeys([*ELEMENTS.values(), "bold"], 0)
    if not MARKED.search(text):
        return counts
    tokens = _parser().parse(text)
    for place, token in enumerate(tokens):
        if token.type == "heading_open" and not _is_title(tokens[place + 1].content):
            continue
        if token.type in ELEMENTS:
            counts[ELEMENTS[token.type]] += 1
        elif token.type == "inline":
            counts["bold"] += len(re.findall(r"\*\*(?=\S)[^*\n]+?(?<=\S)\*\*", token.content))
    return counts
