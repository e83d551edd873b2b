"""Markdown as blocks: read with markdown-it, changed by the structure transforms, written back."""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, cast

from tunedrift.text.prose import mask

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

BULLET = re.compile(r"^(?:[•◦▪●‣·]\s*(?=\S)|--?\s*(?=[\"“]|[^\W\d_a-z]))")
"""A bullet that Markdown does not know, or a hyphen that lacks its space; not the sign of a number."""


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
    blocks: list[Block] = []
    for node in tree.children:
        block = _block(node, lines, nested=False)
        last = blocks[-1] if blocks else None
        first, _ = cast(tuple[int, int], node.map)
        if isinstance(block, Verbatim) and isinstance(last, Verbatim) and lines[first - 1].strip():
            # No blank line comes between `<!DOCTYPE html>` and `<html>`.
            blocks[-1] = Verbatim(f"{last.text}\n{block.text}", last.kind)
        else:
            blocks.append(block)
    return blocks


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
    inline = node.children[0].content if node.type in ("paragraph", "heading") and node.children else ""
    if node.type in ("bullet_list", "ordered_list"):
        block: Block = _list(node, lines)
    elif node.type == "hr":
        block = Rule(source)
    elif node.type == "heading" and _is_title(inline):
        block = Heading(int(node.tag[1]), inline)
    elif node.type == "paragraph" and not re.match(r"\$\$|\\\[|\\begin\{", inline):
        block = _paragraph(inline)
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


def _paragraph(text: str) -> Text | List:
    """A paragraph, or the list that it is when each of its lines begins with a typed bullet."""
    lines = text.split("\n")
    if len(lines) > 1 and all(BULLET.match(line) for line in lines):
        return List(ordered=False, items=[[Text(BULLET.sub("", line).rstrip())] for line in lines])
    return Text(text)


def _list(node: "SyntaxTreeNode", lines: list[str]) -> List:
    ordered = node.type == "ordered_list"
    start = int(node.children[0].info) if ordered else 1
    for number, item in enumerate(node.children, start=start):
        # A number out of turn is content: "1984. A year".
        if ordered and int(item.info) != number:
            raise UntouchableError("list numbers")
    if ordered and start > 30 and len(node.children) == 1:
        raise UntouchableError("list numbers")
    items = [[_block(child, lines, nested=True) for child in item.children] for item in node.children]
    if not all(items):
        raise UntouchableError("empty item")
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
