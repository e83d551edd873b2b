"""Is a prompt of our own suite a rewording of a public one? `python tests/benchmarks/check_intents.py FOLDER`.

FOLDER holds files of public prompts (CSV, TSV, JSON, JSON Lines; with or without a header): every text in every column of every
row is compared with every intent and look-alike by the measure of the contamination ledger. Printed are, per file, how
many texts were read and which prompt is nearest to one of them, then the matches. Ends with status 1 where there is one.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from tunedrift.statistics.overlap import matches, similarity, text_set  # noqa: E402

OURS = ("intents", "intents_lookalikes")
DELIMITERS = {".csv": ",", ".tsv": "\t"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--threshold", type=float, default=0.7, help="similarity from which on texts are near"
    )
    arguments = parser.parse_args()
    ours = [text_set("suite", name, _prompts(name)) for name in OURS]
    found = []
    files = [
        path
        for path in sorted(arguments.folder.rglob("*"))
        if path.suffix in (*DELIMITERS, ".json", ".jsonl")
    ]
    if not files:
        sys.exit(f"{arguments.folder}: there is no CSV, TSV, JSON or JSON Lines file.")
    for path in files:
        name = path.relative_to(arguments.folder).as_posix()
        texts = {text.strip(): None for text in _texts(path)}
        public = text_set("public", name, ((text, text) for text in texts))
        share, own, other = max(
            (
                (similarity(own.all, other.all), item, text)
                for entry in ours
                for item, own in entry.texts.values()
                for text, other in public.texts.values()
            ),
            default=(0.0, "none", ""),
        )
        print(f"{name}: {public.items} texts; nearest {share:.2f}: {own}, {other[:80]!r}")
        found += [
            match
            for match in matches([*ours, public], arguments.threshold)
            if match["name"] in OURS and match["other_name"] == name
        ]
    for match in found:
        print("{item_id} is {match} ({similarity:.2f}) to {other_name}: {other_id!r}".format(**match))
    print(f"{len(found)} matches")
    sys.exit(1 if found else 0)


def _prompts(name: str) -> Iterator[tuple[str, str]]:
    for line in (ROOT / f"resources/prompts/{name}.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield row["id"], row["prompt"]


def _texts(path: Path) -> Iterator[str]:
    """Every text in a file, at whatever depth."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix in DELIMITERS:
            csv.field_size_limit(2**31 - 1)
            for row in csv.reader(file, delimiter=DELIMITERS[path.suffix]):
                yield from row
        elif path.suffix == ".jsonl":
            for line in filter(str.strip, file):
                yield from _strings(json.loads(line))
        else:
            yield from _strings(json.load(file))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strings(part)


if __name__ == "__main__":
    main()
