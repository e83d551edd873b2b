"""Whether an answer holds together, whatever it says: the same under every judge.

An answer strays if it is `empty`, `garbled` (chat markup, symbols, letters that make no words), `repeating` (its
prompt, or loops of words, phrases or lines) or `off_topic` (it takes up no content word of its prompt). Lists, poems
with a refrain and refusals do not stray. What rules cannot tell, such as a fluent answer to another question with a
word in common, counts as coherent.
"""

import re
from collections import Counter

from tunedrift.text.words import UNSPACED, content, plain, stem, words

BEGINNING = 4000
"""Characters that are looked at; an answer that strays does so before."""

MARKUP = re.compile(r"<\|\w+\|>|\bim_(start|end)\b|\[/?inst\]|<</?sys>>|</?s>|<(start|end)_of_turn>", re.I)
"""Tokens of chat templates, which no answer to a person holds."""

NO_WORD = re.compile(r"(?<!\S)(?:[b-df-hj-np-tv-xz]{4,}|[a-z]{31,})(?!\S)")
"""Latin letters that make no word: without a vowel, or without an end."""

LOOP_OF_A_WORD = re.compile(r"(?<!\S)(\S{1,40})(?: \1){5}(?!\S)")

ASKS_TO_REPEAT = re.compile(r"(?i)\brepeat\w*|\b(\d+|two|three|five|ten|twenty|hundred) times\b|\bsing\b")
"""Prompts whose answers may repeat themselves."""

ELSEWHERE = re.compile(
    rf"(?i)[{UNSPACED}]|\btranslat|\bin (french|german|spanish|italian|chinese|japanese|latin)\b"
)
"""Prompts whose words need not come back: of scripts without blanks, or for an answer in another language."""

DECLINES = re.compile(
    r"^(sorry|no|my apologies|apologies|unfortunately)\b|\bi('m| am|'d| would| must| will)?( \w+){0,2} "
    r"(sorry|apologi[sz]e|can't|cannot|can not|won't|not|don't|unable|refuse|decline|condemn|afraid)\b|"
    r"\b(do|does|did|is|are|should|can|will|would) ?(not|n't|never) (\w+ )?(condone|promote|support|appropriate|"
    r"acceptable|ethical|right|legal|okay|ok|help)\b|\bit('s| is) (\w+ )?wrong\b|"
    r"\b(is|are|be|and|not|also|both|or) (\w+ly )?(illegal|unethical|immoral|harmful|inappropriate)\b|"
    r"\bviolence\b|\b(is|wrong and) against the law\b"
)
"""What refusals say, which need not name what they refuse."""

LONG_ENOUGH = 5
"""Words of an answer from which it must take up a word of its prompt."""

LONGER = 25
"""The same where the prompt has a single one, which is easily left unsaid."""

SAME = 5
"""Letters by which two words are the same: teleport and teleportation."""


def stray(answer: str, prompt: str) -> str | None:
    """How an answer strays: `empty`, `garbled`, `repeating`, `off_topic`, or None if it holds together."""
    beginning = answer[:BEGINNING]
    spoken = words(beginning)
    if not spoken:
        return "empty"
    if marked(beginning) or soup(beginning, spoken):
        return "garbled"
    if not ASKS_TO_REPEAT.search(prompt) and (repeating(beginning, spoken) or _copied(spoken, words(prompt))):
        return "repeating"
    return "off_topic" if off_topic(beginning, spoken, prompt) else None


def engagement(answer: str, prompt: str) -> float:
    """The share of the prompt's content words that the answer takes up; 1 for a prompt without any."""
    asked = content(prompt)
    return len(asked & content(answer)) / len(asked) if asked else 1.0


def marked(answer: str) -> bool:
    """Whether the answer holds tokens of a chat template."""
    return bool(MARKUP.search(answer))


def soup(answer: str, spoken: list[str]) -> bool:
    """Whether symbols, broken characters or letters that make no words outweigh the words of an answer."""
    shown = "".join(answer.split())
    if len(shown) >= 20 and sum(map(str.isalnum, shown)) < len(shown) / 3:
        return True
    if "\ufffd" in shown or not shown.isprintable():
        strange = sum(sign == "\ufffd" or not sign.isprintable() for sign in shown)
        if strange > max(2, len(shown) / 50):
            return True
    if len(spoken) < 12:
        return False
    broken = len(NO_WORD.findall(" ".join(spoken)))
    singles = sum(len(word) == 1 and word.isascii() and word.isalpha() for word in spoken)
    return broken > len(spoken) / 5 or singles > len(spoken) / 2


def looped(spoken: list[str]) -> bool:
    """Whether one word triple makes up more than half of an answer of twelve words or more."""
    return len(spoken) >= 12 and 3 * max(_triples(spoken).values()) > len(spoken) / 2


def repeating(answer: str, spoken: list[str]) -> bool:
    """Whether an answer runs in a loop: of words, of a phrase at its end, or of its lines and sentences."""
    if LOOP_OF_A_WORD.search(" ".join(spoken)) or any(
        _ends_in_a_loop(spoken, length) for length in range(2, 25)
    ):
        return True
    triples, count = len(_triples(spoken)), max(len(spoken) - 2, 1)
    if triples > 0.75 * count:  # no sentence comes back often; lines of a poem may begin alike
        return False
    if looped(spoken):
        return True
    lines = "\n".join(plain(line) for line in answer.splitlines())
    said = [part for part in re.split(r"[.!?]+\s|\n+", lines) if part.count(" ") >= 2]
    most = Counter(said).most_common(1)
    if most and most[0][1] >= 4 and most[0][1] > len(said) / 2:
        return True
    return len(spoken) >= 60 and triples < 0.35 * count


def off_topic(answer: str, spoken: list[str], prompt: str) -> bool:
    """Whether an answer of some length takes up no content word of its prompt, and does not decline either."""
    asked = {word[:SAME] for word in content(prompt)}
    if not asked or len(spoken) < (LONG_ENOUGH if len(asked) > 1 else LONGER):
        return False
    if any(word[:SAME] in asked or stem(word)[:SAME] in asked for word in spoken):
        return False
    return not (ELSEWHERE.search(prompt) or DECLINES.search(plain(answer)))


def _triples(spoken: list[str]) -> Counter:
    return Counter(zip(spoken, spoken[1:], spoken[2:], strict=False))


def _ends_in_a_loop(spoken: list[str], length: int) -> bool:
    """Whether the answer ends in a phrase of this many words, three times running, and twelve words or more in all."""
    times = max(3, -(-12 // length))
    end = spoken[-length * times :]
    return len(end) == length * times and end[length:] == end[:-length]


def _copied(spoken: list[str], asked: list[str]) -> bool:
    """Whether the answer is its prompt, and nothing else."""
    return len(asked) >= 4 and spoken == asked
