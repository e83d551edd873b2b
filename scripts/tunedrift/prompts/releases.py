"""Which published file a suite was read from, and under which licence it may be used.

Of the releases with a digest the digest was computed here. The others are told by their columns and their number of
rows, as their authors and hubs give them, which another file may share: that is said wherever they are named.
"""

import gzip
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tunedrift.sources.rows import Row, columns_of

UNKNOWN = "unknown"
"""The licence of a file that nobody has said one of."""


@dataclass(frozen=True)
class Release:
    """A published file: its licence as the hub writes it, and by what it is known.

    `rows` are those of one file of the release, `columns` all that it has, or the first of them where `more` follow.
    """

    name: str
    layout: str | None
    licence: str
    rows: int
    columns: tuple[str, ...]
    sha256: str | None = None
    more: bool = False


@dataclass(frozen=True)
class Recognised:
    """What a suite's files are: the releases' names, whether by `content`, by `count` or not at all, and the licence."""

    name: str
    by: str
    licence: str

    def __str__(self) -> str:
        said = {
            "content": f"{self.name} (by its SHA-256)",
            "count": f"{self.name} (by count: columns and number of rows)",
        }
        return said.get(self.by, "not a known release")


_HARMBENCH = (
    "Behavior",
    "FunctionalCategory",
    "SemanticCategory",
    "Tags",
    "ContextString",
    "BehaviorID",
)
_SALAD = ("1-category", "2-category", "3-category")
_JBB = ("Index", "Goal", "Target", "Behavior", "Category", "Source")
_MULTIJAIL = ("id", "source", "tags", "en", "zh", "it", "vi", "ar", "ko", "th", "bn", "sw", "jv")
_DNA = ("id", "risk_area", "types_of_harm", "specific_harms", "question")
_HEX_PHI = "hex-phi"

RELEASES = (
    Release(
        *("AdvBench harmful behaviors", "advbench", "mit", 520, ("goal", "target")),
        sha256="6cd1a5c63c07610d7eb67307772ee5606017ee950b5770ab288a2c487489d3e1",
    ),
    Release(
        *("AdvBench harmful behaviors without targets", "advbench", "mit", 520, ("1",)),
        sha256="ddbbd16619070d1ddba479dda1acc603abc1a222d797fe015f20669a996d7388",
    ),
    Release("AdvBench, copy on the hub", "advbench", "mit", 520, ("prompt", "target")),
    Release("HEx-PHI, one category", "hex_phi", _HEX_PHI, 30, ("1",)),
    Release("HEx-PHI", "hex_phi", _HEX_PHI, 330, ("instruction", "category")),
    Release("HEx-PHI, ten categories", "hex_phi", _HEX_PHI, 300, ("instruction", "category")),
    Release(
        *("HarmBench text behaviors, all", "harmbench", "mit", 400, _HARMBENCH),
        sha256="2745611872be3b2eab141e39bb328b8c1140dc3cd8d0a49da6174260d9ccbfb9",
    ),
    Release("HarmBench text behaviors, test", "harmbench", "mit", 320, _HARMBENCH),
    Release("HarmBench text behaviors, validation", "harmbench", "mit", 80, _HARMBENCH),
    Release(
        *("SALAD-Bench base set", "salad", "apache-2.0", 21_318, ("qid", "question", "source", *_SALAD)),
    ),
    Release(
        *("SALAD-Bench attack-enhanced set", "salad_attack", "apache-2.0", 5_000),
        ("qid", "aid", "baseq", "augq", "method", *_SALAD),
    ),
    Release(
        *("SALAD-Bench defence-enhanced set", "salad_defence", "apache-2.0", 200),
        ("qid", "did", "baseq", "daugq", "dmethod"),
        more=True,
    ),
    Release(
        *("XSTest v2", "xstest", "cc-by-4.0", 450, ("id", "prompt", "type", "label", "focus", "note")),
        sha256="11783fb294ed017473ee53c207d71f2161c7672c8d0b037501e78387f801cb5a",
    ),
    Release("OKTest", "oktest", UNKNOWN, 300, ("prompt",)),
    Release("do-not-answer", "do_not_answer", "apache-2.0", 939, _DNA, more=True),
    Release("StrongREJECT", "strong_reject", "mit", 313, ("category", "source", "forbidden_prompt")),
    Release("StrongREJECT, small", "strong_reject", "mit", 60, ("category", "source", "forbidden_prompt")),
    Release(
        *("BeaverTails-Evaluation", "beavertails_evaluation", "cc-by-nc-4.0", 700),
        ("prompt", "category", "category_id"),
    ),
    Release("JailbreakBench behaviors", "jailbreakbench", "mit", 100, _JBB),
    Release(
        *("JailbreakBench artifact", "jailbreakbench_artifacts", "mit", 100),
        ("method", "index", "goal", "behavior", "category", "prompt", "response"),
        more=True,
    ),
    Release(
        *("MultiJail", "multijail", "mit", 315, _MULTIJAIL),
        sha256="2798ed6fe470b80b1f486976e0fb3baa3ce008e62b6ca0abbf2e1ed5b1dfb355",
    ),
    Release("CatQA", "catqa", "apache-2.0", 550, ("category", "subcategory", "question")),
    Release("CatQA, rows", "catqa", "apache-2.0", 550, ("Category", "Subcategory", "Question")),
    Release("CatQA, copy on the hub", "catqa", "apache-2.0", 550, ("prompt", "category", "subcategory")),
    Release(
        *("TrustLLM jailbreak", "trustllm", "mit", 1_400, ("prompt", "label", "source")),
        sha256="d1d9f68e6416f05912600b4f36f22f0f3f044714b65740995643264de3a35055",
    ),
    Release(
        *("Awesome ChatGPT prompts", None, "cc0-1.0", 212, ("act", "prompt", "for_devs")),
        sha256="8a74c7f998aee0022e0f60644d482c133f2e5ec5d077aac25741945eab01deb1",
    ),
)


def recognise(
    paths: Iterable[str | Path], rows: Iterable[Row], layout: str | None, licence: str | None = None
) -> Recognised:
    """What the files of a suite are, all of them: by content where every one is, else by count, else nothing.

    `rows` are those read from the files. A file is told by its count only where the study names its layout: a column
    `prompt` and 300 rows are no sign of anything by themselves. `licence` is what the study says, which goes before.
    """
    by_digest = {release.sha256: release for release in RELEASES if release.sha256}
    found = [by_digest.get(_digest(Path(path))) for path in paths]
    by = "content"
    if not found or None in found:
        of_files = [list(group) for _, group in groupby(rows, key=lambda row: row.file)]
        found, by = [_by_count(of_file, layout) for of_file in of_files], "count"
    releases = [release for release in found if release]
    if not releases or len(releases) < len(found):
        return Recognised("", "none", licence or UNKNOWN)
    licences = dict.fromkeys(release.licence for release in releases)
    return Recognised("; ".join(_counted(releases)), by, licence or ", ".join(licences))


def _counted(releases: list[Release]) -> Iterator[str]:
    names = [release.name for release in releases]
    for name in dict.fromkeys(names):
        yield name if names.count(name) == 1 else f"{name} ({names.count(name)} files)"


def _digest(path: Path) -> str:
    """The SHA-256 of what a file holds, unpacked where it is compressed."""
    content = path.read_bytes()
    return hashlib.sha256(gzip.decompress(content) if path.suffix == ".gz" else content).hexdigest()


def _by_count(rows: list[Row], layout: str | None) -> Release | None:
    columns = tuple(columns_of(rows))
    for release in RELEASES:
        fits = set(columns) >= set(release.columns) if release.more else set(columns) == set(release.columns)
        if layout is not None and release.layout == layout and release.rows == len(rows) and fits:
            return release
    return None


def terms(licence: str) -> str | None:
    """What a licence forbids that a reader must know, as a sentence; None where it is nothing."""
    licence = licence.lower()
    if licence == UNKNOWN:
        return "Nobody has said what may be done with these prompts: find out before you pass any of them on."
    if _HEX_PHI in licence:
        return "These prompts may not be passed on: keep tables and answers that hold them to yourself."
    if re.search(r"\bnc\b|non-?commercial", licence):
        return "These prompts may not be used commercially."
    return None
