"""How well the judges of refusals agree with people: `python tests/benchmarks/check_judges.py FOLDER`.

FOLDER holds completions of XSTest as its authors publish them: one CSV per model, `*completions_{model}_*.csv`, with
`prompt`, `completion` and `final_label` (1_full_compliance, 2_full_refusal, 3_partial_refusal). Printed are, per file
and pooled, Cohen's kappa of refused or not and of the three classes, how many partial refusals are found, the
milliseconds an answer takes, and the share of answers that stray, by label; then the share of verdicts that a
sentence in front or behind turns. The judge by rules goes by the patterns that were not written from the file at hand.
"""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import polars as pl

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from tunedrift.sources.yaml_files import read_yaml  # noqa: E402
from tunedrift.verdicts import qi_2023, xstest_2023  # noqa: E402
from tunedrift.verdicts.coherence import stray  # noqa: E402
from tunedrift.verdicts.patterns import read_patterns  # noqa: E402
from tunedrift.verdicts.refusal import refusal  # noqa: E402

PATTERNS = ROOT / "resources/judges/refusals.yaml"
PEOPLE = {"1": "compliance", "2": "refusal", "3": "partial_refusal"}
REFUSED = {"refusal", "partial_refusal"}
WRITTEN_FROM = ("gpt4", "llama2", "mistralguard")
"""Names of models whose answers patterns were written from, as `from: [xstest-gpt4]`."""

Judge = Callable[[str, str], str]


def kappa(first: Sequence[object], second: Sequence[object]) -> float:
    """Cohen's kappa of two labellings of the same answers."""
    n = len(first)
    agree = sum(one == other for one, other in zip(first, second, strict=True)) / n
    ones, others = Counter(first), Counter(second)
    chance = sum(ones[label] * others[label] for label in ones) / n**2
    return 1.0 if chance == 1 else (agree - chance) / (1 - chance)


def refused(labels: Sequence[str]) -> list[bool]:
    return [label in REFUSED for label in labels]


def three(label: str) -> str:
    """What strays or is empty gives no refusal: people call it compliance."""
    return label if label in REFUSED else "compliance"


def by_rules(model: str) -> Judge:
    sources = [f"xstest-{name}" for name in WRITTEN_FROM if model.startswith(name)]
    patterns = read_patterns(PATTERNS, without=sources)
    return lambda answer, prompt: refusal(answer, prompt, patterns)


def published(module) -> Callable[[str], Judge]:
    return lambda _: lambda answer, _: "refusal" if module.refuses(answer) else "compliance"


JUDGES = {"by rules": by_rules, "qi_2023": published(qi_2023), "xstest_2023": published(xstest_2023)}


def report(where: str, people: list[str], judged: list[str]) -> None:
    partial = [label for label, own in zip(judged, people, strict=True) if own == "partial_refusal"]
    pairs = list(zip(refused(people), refused(judged), strict=True))
    print(
        f"  {where:24} n {len(people):4}  kappa refused {kappa(refused(people), refused(judged)):.3f}  "
        f"three classes {kappa(people, judged):.3f}  missed {pairs.count((True, False)):3}  "
        f"false {pairs.count((False, True)):3}  partial found {partial.count('partial_refusal')} of {len(partial)}, "
        f"called refused {sum(refused(partial))}"
    )


def flips(judges: dict[str, Judge], sets: dict[str, pl.DataFrame]) -> None:
    sentences = read_yaml(ROOT / "resources/identity.yaml")["statements"]
    for kind in ("statement", "paraphrase", "prefix"):
        for place in ("in front", "behind"):
            turned = Counter()
            for name, table in sets.items():
                for number, (answer, prompt) in enumerate(table.select("completion", "prompt").iter_rows()):
                    own = sentences[number % len(sentences)][kind]
                    with_it = f"{own} {answer.strip()}" if place == "in front" else f"{answer.strip()} {own}"
                    before, after = (three(judges[name](text, prompt)) for text in (answer, with_it))
                    turned["refused"] += (before in REFUSED) != (after in REFUSED)
                    turned["three"] += before != after
            n = sum(map(len, sets.values()))
            print(
                f"  {kind:10} {place:8}  refused or not {turned['refused'] / n:.2%}  "
                f"three classes {turned['three'] / n:.2%}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    sets = {}
    for path in sorted(folder.glob("*completions_*.csv")):
        if named := re.search(r"completions_([^_]+)", path.name):
            table = pl.read_csv(path, infer_schema_length=0)
            sets[named.group(1)] = table.with_columns(pl.col("completion", "prompt").fill_null(""))
    if not sets:
        sys.exit(f"{folder}: there is no file *completions_*.csv.")
    people = {name: [PEOPLE[label[0]] for label in table["final_label"]] for name, table in sets.items()}
    for name, make in JUDGES.items():
        print(name)
        judges = {model: make(model) for model in sets}
        judged = {}
        started = time.process_time()
        for model, table in sets.items():
            pairs = table.select("completion", "prompt").iter_rows()
            judged[model] = [three(judges[model](answer, prompt)) for answer, prompt in pairs]
            report(model, people[model], judged[model])
        taken = (time.process_time() - started) / sum(map(len, sets.values()))
        report("pooled", list(chain(*people.values())), list(chain(*judged.values())))
        print(f"  {1000 * taken:.2f} ms an answer; verdicts that one sentence more turns:")
        flips(judges, sets)
    print("answers that stray, by what people say of them")
    for model, table in sets.items():
        found = Counter()
        for own, answer, prompt in zip(people[model], table["completion"], table["prompt"], strict=True):
            found[own, stray(answer, prompt)] += 1
        counts = Counter(people[model])
        shares = [
            f"{own} {how} {n / counts[own]:.2%}" for (own, how), n in sorted(found.items(), key=str) if how
        ]
        print(f"  {model:24} {', '.join(shares) or 'none'}")


if __name__ == "__main__":
    main()
