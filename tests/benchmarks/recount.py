"""Every number of a finished study counted again, from its row tables alone.

Not part of the tests: `python tests/benchmarks/recount.py RESULTS [--config FILE]`. Ends with status 1 where anything
differs. Nothing of the library is imported: the recount is written from the published definitions and from the
descriptions of the columns, so that it does not repeat the library's mistakes. Intervals that are random draws are
not recounted; of them only the order low <= estimate <= high is checked.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import polars as pl
import recount_agreement
import recount_corrections
import recount_drift
import recount_judges
import recount_texts
import yaml
from recount_controls import controls

TOLERANCE = 1e-9


@dataclass
class Recount:
    """What was compared with one table."""

    table: str
    equal: Counter[str] = field(default_factory=Counter)  # column → figures that are equal
    differing: list[str] = field(default_factory=list)
    open: Counter[str] = field(default_factory=Counter)  # what was not recounted → how many rows


class Results:
    """The row tables of one results folder, as lists of rows, of what the study names today."""

    def __init__(self, folder: Path, config: dict):
        self.folder, self.config = folder, config
        self.prompts = [row for suite in config["suites"] for row in self.rows(f"prompts/{suite}.parquet")]
        self.models = [name for name, one in config["models"].items() if one.get("studied", True)]
        self.verdicts = [
            row
            for judge in config["judges"]
            for name in self.models
            for row in self.rows(f"verdicts/{judge}/{name}.parquet")
        ]
        scored = {
            "variants": config["datasets"],
            "responses": self.models,
            "preferences": config.get("preference_sets") or {},
        }
        self.rewards = [
            row
            for rm in config.get("reward_models") or {}
            for stage, names in scored.items()
            for name in names
            for row in self.rows(f"rewards/{rm}/{stage}/{name}.parquet")
        ]
        self.preferences = {name: self.rows(f"preferences/{name}.parquet") for name in scored["preferences"]}
        self.labels = {name: self.rows(f"labels/{name}.parquet") for name in config.get("label_sets") or {}}

    def rows(self, path: str) -> list[dict]:
        """The rows of one table; none where there is no such file."""
        found = self.folder / path
        return pl.read_parquet(found).to_dicts() if found.exists() else []


def drift(results: Results) -> Iterator[Recount]:
    """The drift table, and the verdicts and prompts that it is made from."""
    tunings = {verdict["tuning"] for verdict in results.verdicts}
    variants = {found[1] for tuning in tunings if (found := recount_drift.parts(tuning))}
    split_by = (results.config.get("statistics") or {}).get("split_by", ["stratum"])
    rows, faults = recount_drift.recount(
        results.prompts, results.verdicts, *controls(variants, results.config), split_by
    )
    printed = results.rows("tables/drift.parquet")
    recount_drift.sign_depends(rows, printed)
    recount_corrections.add(rows, printed, recount_drift.KEY, results, results.config)
    found = compare(results, "drift", rows, recount_drift.KEY)
    found.differing = faults + found.differing
    yield found


def judges(results: Results) -> Iterator[Recount]:
    """The judges table, of each judge on each label set of what it judges."""
    config, rows, faults = results.config, [], []
    texts = {name: set(map(recount_judges.bare, labels)) for name, labels in results.labels.items()}
    for judge, of_judge in config["judges"].items():
        fitted = results.folder / f"judges/{judge}.json"
        behind = list(of_judge.get("tuned_on") or ())
        if of_judge.get("by") == "learned":
            behind += [
                one["label_set"] for one in json.loads(fitted.read_text(encoding="utf-8"))["fitted_on"]
            ]
        seen = set().union(*(texts.get(name, ()) for name in behind))
        for name, of_set in (config.get("label_sets") or {}).items():
            if of_set["measure"] != of_judge["kind"]:
                continue
            verdicts = results.rows(f"verdicts/{judge}/labels/{name}.parquet")
            measured, alone = recount_judges.answers(results.labels[name], verdicts)
            faults += [f"{judge} on {name}: {fault}" for fault in alone]
            about = {
                **{"judge": judge, "kind": of_judge["kind"], "label_set": name},
                **{"measure": of_set["measure"], "labels": of_set.get("labels", "people")},
            }
            rows += recount_judges.recount(about, measured, seen, config.get("statistics") or {})
    found = compare(results, "judges", rows, recount_judges.KEY)
    found.differing = faults + found.differing
    yield found


def agreement(results: Results) -> Iterator[Recount]:
    """The forecasts table, then the agreement table."""
    judge, seed = results.config["primary_judge"], results.config.get("statistics", {}).get("seed", 0)
    subjects = recount_agreement.by_subject(results.rewards)
    plain = {prompt["prompt_id"]: prompt["plain_prompt"] for prompt in results.prompts}
    harmful = {prompt["prompt_id"] for prompt in results.prompts if prompt["kind"] == "harmful"}
    points = list(recount_agreement.forecasts(subjects, results.prompts, results.verdicts, judge))
    yield compare(results, "forecasts", points, recount_agreement.FORECAST_KEY)
    resolved = {
        tuple(point[name] for name in recount_agreement.FORECAST_KEY): point["resolved"]
        for point in results.rows("tables/forecasts.parquet")
    }
    rows = list(recount_agreement.concordance(points, resolved, judge))
    for subject, scores in subjects.items():
        stage, _, name = subject.partition("/")
        cluster = dict(plain) if stage == "responses" else {}
        if stage == "preferences":
            pairs = results.preferences[name]
            cluster = {pair["pair_id"]: pair["prompt_key"] for pair in pairs}
            rows += recount_agreement.rm_people(subject, scores, pairs, seed)
        if stage == "responses":
            labels = {
                (verdict["tuning"], verdict["prompt_id"]): verdict["label"]
                for verdict in results.verdicts
                if (verdict["judge"], verdict["model"], verdict["sample"]) == (judge, name, 0)
            }
            asked = {prompt: plain[prompt] for prompt in harmful}
            rows += recount_agreement.detection(subject, scores, judge, labels, asked)
        rows += recount_agreement.rm_rm(subject, scores, lambda item, of=cluster: of.get(item, item))
    yield compare(results, "agreement", rows, recount_agreement.KEY)


def texts(results: Results) -> Iterator[Recount]:
    """The overlap table, then the profiles table."""
    config, turns = results.config, recount_texts.user_turns
    datasets = config["datasets"]
    safety = ["safety_data"] if "safety_data" in config else []
    sets = {
        ("training", name): turns(results.rows(f"instructions/{name}.parquet"), "row_id") for name in datasets
    }
    for name, of_dataset in datasets.items():
        if of_dataset.get("held_out"):
            sets["held_out", name] = turns(results.rows(f"instructions/{name}.held_out.parquet"), "row_id")
    sets |= {
        ("safety_mix", name): turns(results.rows(f"instructions/{name}.parquet"), "row_id") for name in safety
    }
    for kind, name in [*(("suite", name) for name in config["suites"]), ("gate", "gate")]:
        asked = results.rows(f"prompts/{name}.parquet")
        sets[kind, name] = [(prompt["plain_id"], prompt["plain_prompt"]) for prompt in asked]
    sets |= {("preferences", name): turns(pairs, "pair_id") for name, pairs in results.preferences.items()}
    sets |= {
        ("labels", name): [(row["prompt_id"], row["prompt"]) for row in labels]
        for name, labels in results.labels.items()
    }
    threshold = config.get("overlap", {}).get("threshold", 0.7)
    found = {place: recount_texts.texts(items) for place, items in sets.items()}
    yield compare(
        results, "overlap", list(recount_texts.overlap(found, threshold)), recount_texts.OVERLAP_KEY
    )

    rows = []
    for dataset in datasets:
        loaded = results.rows(f"instructions/{dataset}.parquet")
        untouched = {row["row_id"]: row["messages"][-1]["content"] for row in loaded}
        ids = {}
        for path in sorted((results.folder / "variants" / dataset).glob("*.parquet")):
            variant = results.rows(f"variants/{dataset}/{path.name}")
            ids[path.stem] = [row["row_id"] for row in variant]
            rows += recount_texts.profiles(dataset, path.stem, variant, untouched)
        for model in results.models:
            rejected = results.rows(f"adapters/{model}/{dataset}/rejected.parquet")
            rows += recount_texts.trained(dataset, model, ids, rejected)
    yield compare(results, "profiles", rows, recount_texts.PROFILES_KEY)


def compare(results: Results, table: str, rows: list[dict], key: tuple[str, ...]) -> Recount:
    """The recounted rows beside those of the table.

    A column that a recounted row has not is not compared. A row of the table that was not recounted differs, but
    where `why_open` says why.
    """
    found = Recount(table)
    table_rows = results.rows(f"tables/{table}.parquet")
    if lacking := [name for name in key if table_rows and name not in table_rows[0]]:
        found.differing.append(f"the table has no column {lacking[0]}")
        return found
    printed = {tuple(row[name] for name in key): row for row in table_rows}
    twice = Counter(tuple(row[name] for name in key) for row in table_rows)
    found.differing += [f"{described(key, place)}: twice in the table" for place in twice if twice[place] > 1]
    expected = {tuple(row.get(name) for name in key): row for row in rows}
    for place, row in expected.items():
        if place not in printed:
            found.differing.append(f"{described(key, place)}: not in the table")
            continue
        for column, value in row.items():
            if column in key:
                continue
            if column not in printed[place]:
                found.differing.append(f"{described(key, place)}: the table has no column {column}")
            elif same(value, printed[place][column]):
                found.equal[column] += 1
            else:
                found.differing.append(
                    f"{described(key, place)}: {column} is {printed[place][column]}, recounted {value}"
                )
    for place, row in printed.items():
        found.differing += disordered(described(key, place), row)
        if place not in expected:
            reason = why_open(row) if table != "profiles" else recount_texts.why_open(row)
            if reason:
                found.open[reason] += 1
            else:
                found.differing.append(f"{described(key, place)}: follows from no row table")
    return found


def why_open(row: dict) -> str | None:
    """Why a row cannot be recounted from row tables; None where it should have been."""
    if row.get("rm") == "refusal keyword":
        return "the rule `refusal keyword` reads answers of pairs, on which no verdict is kept"
    if row.get("measure") == "forecast_p" and row["clusters"] > recount_agreement.EXACT_VARIANTS:
        return "more than 8! relabellings are drawn, not counted"
    return None


def same(one: object, other: object) -> bool:
    """Equal, and numbers to nine digits behind the point."""
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= TOLERANCE
    return one == other


def disordered(where: str, row: dict) -> Iterator[str]:
    """What is out of order in one printed row: low <= estimate <= high, and the estimate within its bounds."""
    for below, above in (("low", "estimate"), ("estimate", "high")):
        if None not in (row.get(below), row.get(above)) and row[below] > row[above] + TOLERANCE:
            yield f"{where}: {below} {row[below]} is above {above} {row[above]}"
    if None not in (bounds := [row.get(name) for name in ("worst", "estimate", "best")]):
        worst, estimate, best = bounds
        if not min(worst, best) - TOLERANCE <= estimate <= max(worst, best) + TOLERANCE:
            yield f"{where}: the estimate {estimate} is not between worst {worst} and best {best}"
    if row.get("resolved") and row["safety_difference"] == 0:
        yield f"{where}: resolved, though safety does not differ"


def described(key: tuple[str, ...], place: tuple) -> str:
    """A row by its key, without what is null."""
    return " ".join(f"{name}={value}" for name, value in zip(key, place, strict=True) if value is not None)


def settings(file: Path) -> dict:
    """A study's settings, from its own file or from the `provenance.json` of its results."""
    found = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found["config"] if file.name == "provenance.json" else found


def main() -> int:
    """Recount, print, and say by the exit status whether anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="results folder of a finished study")
    parser.add_argument(
        "--config", type=Path, help="the study's file (default: what provenance.json keeps of it)"
    )
    parser.add_argument(
        "--shown", type=int, default=20, help="differences printed per table (default: %(default)s)"
    )
    options = parser.parse_args()
    config = options.config or options.results / "provenance.json"
    if not config.is_file():
        parser.error(
            f"{config}: there is no such file; name a finished study's folder, or its file with --config"
        )
    results = Results(options.results, settings(config))
    differing = 0
    for found in chain(drift(results), judges(results), agreement(results), texts(results)):
        differing += len(found.differing)
        figures = ", ".join(f"{column} {number}" for column, number in found.equal.items())
        print(f"{found.table}: equal: {figures or 'none'}; {len(found.differing)} differ")
        for reason, number in found.open.items():
            print(f"  {number} rows not recounted: {reason}")
        for line in found.differing[: options.shown]:
            print(f"  {line}")
        if len(found.differing) > options.shown:
            print(f"  … and {len(found.differing) - options.shown} more")
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())
