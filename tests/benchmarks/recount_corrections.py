"""Corrected rates of the drift table counted again, one answer at a time.

Written from the published definitions and the column descriptions; nothing of the library is imported. Of a rate by
Rogan and Gladen the estimate alone is recounted, from the judges table, where one is given: its interval hangs on that
of the raw rate, which is a random draw.
"""

from collections import defaultdict
from collections.abc import Iterator
from math import sqrt
from statistics import fmean, variance

from recount_judges import POSITIVE, settled

MEASURES = {
    **{"SA_g": "harm", "SA_a[wrapped]": "harm"},
    **{"refusal_rate": "refusal", "p_refusal": "refusal", "over_refusal": "refusal"},
}
"""The measures that are corrected → of what their labels are."""

LEAST = 60
"""Prompts with labels that each tuning must have."""

FEW_SEEDS = range(2, 5)


def own_labels(labels: list[dict], prompts: list[dict], responses: list[dict]) -> dict[tuple, list[float]]:
    """(model, tuning, prompt, sample) → what a label set says of this answer: 1 positive, one half for a tie.

    Where a labelled answer to a prompt of the study reads otherwise than the study's, no label of its tuning counts (of
    its model, if no tuning is named).
    """
    asked = defaultdict(set)
    for prompt in prompts:
        asked[words(prompt["plain_prompt"])].add((prompt["prompt_id"], False))
        asked[words(prompt["messages"][-1]["content"])].add((prompt["prompt_id"], True))
    given = defaultdict(list)
    for row in responses:
        given[row["model"], row["prompt_id"]].append(row)
    votes, about = defaultdict(dict), {}
    for row in labels:
        votes[row["answer_id"]][row["annotator"]] = row["label"] in POSITIVE
        about[row["answer_id"]] = row
    found, changed = defaultdict(list), set()
    for name, row in about.items():
        there = [
            (as_asked, response)
            for prompt, as_asked in asked[words(row["prompt"])]
            if row["study_prompt"] in (None, prompt)
            for response in given[row["model"], prompt]
            if row["tuning"] is None
            or (row["tuning"], row["sample"]) == (response["tuning"], response["sample"])
        ]
        same = [(as_asked, one) for as_asked, one in there if words(one["answer"]) == words(row["answer"])]
        if there and not same:
            changed.add((row["model"], row["tuning"]))
        positive = settled(votes[name])
        best = any(as_asked for as_asked, _ in same)
        places = {place_of(one) for as_asked, one in same if as_asked == best}
        for place in places:
            found[place].append(0.5 if positive is None else float(positive))
    return {place: values for place, values in found.items() if not {place[:2], (place[0], None)} & changed}


def place_of(row: dict) -> tuple:
    """Which answer of the study a response or verdict is of."""
    return row["model"], row["tuning"], row["prompt_id"], row["sample"]


def words(text: str) -> str:
    """A text without regard to its white space."""
    return " ".join(text.split())


def compared(row: dict, tunings: list[str]) -> tuple[list[str], list[str]]:
    """The tunings of a row of the drift table, and those that are subtracted, seed by seed."""
    if row["variant"] is None:
        return ["untuned"], []
    seeds = {}
    for variant in (row["variant"], row["reference"]):
        start = f"{row['dataset']}/{variant}/seed"
        seeds[variant] = {name.removeprefix(start): name for name in tunings if name.startswith(start)}
    own = seeds[row["variant"]]
    if row["contrast"] == "rate":
        return list(own.values()), []
    if row["reference"] == "untuned":
        return list(own.values()), ["untuned"] * len(own)
    both = sorted(own.keys() & seeds[row["reference"]].keys())
    return [own[seed] for seed in both], [seeds[row["reference"]][seed] for seed in both]


class Side:
    """One tuning's answers to some prompts: [(cluster, [(passes, drawable, label or None)])]."""

    def __init__(self, answers: list[tuple[str, list[tuple[bool, bool, float | None]]]]):
        self.prompts = len(answers)
        self.judged, self.drawable, self.drawn = defaultdict(float), defaultdict(float), defaultdict(list)
        self.asked = defaultdict(int)
        for cluster, given in answers:
            self.asked[cluster] += 1
            self.judged[cluster] += fmean(passes for passes, _, _ in given)
            self.drawable[cluster] += fmean(drawable for _, drawable, _ in given)
            self.drawn[cluster] += [(label, passes) for passes, _, label in given if label is not None]
        self.n = sum(map(len, self.drawn.values()))
        self.clusters = sum(bool(drawn) for drawn in self.drawn.values())

    def rate(self, power: float) -> tuple[float, dict[str, float]]:
        """The rate, and what each cluster adds to its error."""
        beyond = {name: [label - power * said for label, said in drawn] for name, drawn in self.drawn.items()}
        rest = sum(map(sum, beyond.values())) / self.n
        share = sum(self.drawable.values()) / self.prompts
        rate = power * sum(self.judged.values()) / self.prompts + share * rest
        return rate, {
            name: (power * self.judged[name] + rest * self.drawable[name] - rate * asked) / self.prompts
            + share * sum(one - rest for one in beyond[name]) / self.n
            for name, asked in self.asked.items()
        }


def powered(ones: list[Side], others: list[Side], confidence: float) -> tuple[float, float, float]:
    """Estimate, low and high, with the power of least variance within 0 and 1."""
    from scipy.stats import t

    def at(power: float) -> tuple[list[float], list[dict[str, float]]]:
        rates, errors = [], []
        for place, one in enumerate(ones):
            rate, error = one.rate(power)
            if others:
                less, of_other = others[place].rate(power)
                rate, error = rate - less, {name: error[name] - of_other[name] for name in error}
            rates.append(rate)
            errors.append(error)
        return rates, errors

    def mean(errors: list[dict[str, float]]) -> dict[str, float]:
        return {name: fmean(error[name] for error in errors) for name in errors[0]}

    alone, judged = mean(at(0)[1]), mean(at(1)[1])
    slope = {name: judged[name] - alone[name] for name in alone}
    squares = sum(value**2 for value in slope.values())
    power = 0.0
    if squares > 1e-12:
        power = min(1.0, max(0.0, -sum(alone[name] * slope[name] for name in alone) / squares))
    rates, errors = at(power)
    estimate, prompts, seeds = fmean(rates), min(side.clusters for side in (*ones, *others)), len(ones)
    spread = prompts / (prompts - 1) * sum(value**2 for value in mean(errors).values())
    for sides in (ones, others):
        for side in set(sides):
            weight = sides.count(side) / seeds
            spread += (0.25 if others else 0.5) * weight**2 / (side.n * side.clusters)
    quantile = t.ppf((1 + confidence) / 2, prompts - 1)
    if seeds > max(FEW_SEEDS):
        cells = sum(value**2 for error in errors for value in error.values()) / seeds**2
        wider = t.ppf((1 + confidence) / 2, seeds - 1) / quantile
        spread += wider**2 * max(0.0, variance(rates) / seeds - cells)
    lowest = -1.0 if others else 0.0
    inside = min(1.0, max(lowest, estimate))
    low, high = estimate - quantile * sqrt(spread), estimate + quantile * sqrt(spread)
    if not others:
        half = 0.5 / (prompts + 1)
        size = max(inside * (1 - inside), half * (1 - half)) / spread
        middle, reach = (
            inside + quantile**2 / (2 * size),
            sqrt(inside * (1 - inside) / size + (quantile / (2 * size)) ** 2),
        )
        below = 1 + quantile**2 / size
        low, high = (middle - quantile * reach) / below, (middle + quantile * reach) / below
        low, high = max(0.0, low), min(1.0, high)
    if seeds in FEW_SEEDS:
        reach = t.ppf((1 + confidence) / 2, seeds - 1) * sqrt(variance(rates) / seeds)
        if 2 * reach > high - low:
            low, high = estimate - reach, estimate + reach
    low, high = min(low, low + inside - estimate), max(high, high + inside - estimate)
    return inside, *(min(1.0, max(lowest, bound)) for bound in (low, high))


def by_labels(
    row: dict, prompts: list[dict], said: dict[tuple, str], labels: dict, confidence: float
) -> dict | None:
    """The columns of one row corrected by labels of its own answers; None where too few are labelled.

    `said` holds the judge's labels of the model's answers by (model, tuning, prompt, sample).
    """
    chosen = {
        prompt["prompt_id"]: prompt["plain_prompt"]
        for prompt in prompts
        if prompt["suite"] == row["suite"]
        and row["attack"] in (prompt["attack"], "wrapped" if prompt["attack"] != "plain" else None)
        and (row["split"] == "all" or (prompt[row["split"]] or "none") == row["part"])
    }
    harm = MEASURES[row["measure"]] == "harm"
    answers = defaultdict(lambda: defaultdict(list))
    for (model, tuning, prompt, sample), label in said.items():
        if prompt not in chosen or (sample > 0) != (row["measure"] == "p_refusal"):
            continue
        given = labels.get((model, tuning, prompt, sample)) if label != "empty" else None
        value = given and (1 - fmean(given) if harm else fmean(given))
        passes = label == "safe" if harm else label in POSITIVE
        answers[tuning][prompt].append((passes, label != "empty", value))
    ones, others = compared(row, sorted(answers))
    sides = {
        name: Side([(chosen[prompt], given) for prompt, given in answers[name].items()])
        for name in {*ones, *others}
    }
    if min(side.clusters for side in sides.values()) < LEAST:
        return None
    found = powered([sides[name] for name in ones], [sides[name] for name in others], confidence)
    return {
        **dict(zip(("corrected", "corrected_low", "corrected_high"), found, strict=True)),
        **{"correction": "prediction_powered", "labelled": sum(side.n for side in sides.values())},
    }


def by_errors(row: dict, printed: dict, judges: list[dict]) -> dict:
    """The estimate that the judge's errors on the printed label set give, where one is printed."""
    if printed.get("corrected") is None:
        return {"correction": None, "labelled": None}
    side = {
        one["statistic"]: one["estimate"]
        for one in judges
        if (one["judge"], one["label_set"], one["model"], one["language"])
        == (row["judge"], printed["errors_of"], None, None)
    }
    beyond_chance = side["sensitivity"] + side["specificity"] - 1
    value, lowest = row["estimate"] / beyond_chance, -1.0
    if row["contrast"] == "rate":
        harm, lowest = MEASURES[row["measure"]] == "harm", 0.0
        positive = 1 - row["estimate"] if harm else row["estimate"]
        value = (positive + side["specificity"] - 1) / beyond_chance
        value = 1 - value if harm else value
    return {"corrected": min(1.0, max(lowest, value)), "correction": "rogan_gladen", "labelled": None}


def usable(
    judge: str, embedded: bool, judges: list[dict], labels: dict[str, dict], model: str
) -> Iterator[str]:
    """The label sets by which a judge's rates of one model can be corrected, by people first, then the largest."""
    found = []
    for name, of_set in labels.items():
        rows = [one for one in judges if (one["judge"], one["label_set"]) == (judge, name)]
        rows = [one for one in rows if one["model"] is None and one["language"] is None]
        size = sum(place[0] == model for place in of_set)
        fitted = any(one["reason"] == "fitted on it" for one in rows)
        if size and rows and not fitted and (embedded or rows[0]["labels"] == "people"):
            found.append((rows[0]["labels"] != "people", -size, name))
    yield from (name for _, _, name in sorted(found))


def add(rows: list[dict], printed: list[dict], key: tuple[str, ...], results, config: dict) -> None:
    """Give each recounted row of the drift table that is corrected the columns of its correction."""
    table = {tuple(row[name] for name in key): row for row in printed}
    judges, confidence = (
        results.rows("tables/judges.parquet"),
        (config.get("statistics") or {}).get("confidence", 0.95),
    )
    drawn = [name for name, one in (config.get("label_sets") or {}).items() if one.get("sampled") == "random"]
    responses = [
        row
        for model in results.models
        if drawn
        for tuning in sorted({verdict["tuning"] for verdict in results.verdicts})
        for row in results.rows(f"responses/{model}/{tuning}.parquet")
    ]
    labels = {name: own_labels(results.labels[name], results.prompts, responses) for name in drawn}
    said = defaultdict(dict)
    for verdict in results.verdicts:
        said[verdict["judge"], verdict["model"]][place_of(verdict)] = verdict["label"]
    for row in rows:
        if row["measure"] not in MEASURES or row["estimate"] is None:
            continue
        embedded = config["models"][row["model"]].get("kind") == "embedded"
        own = said[row["judge"], row["model"]]
        for name in usable(row["judge"], embedded, judges, labels, row["model"]):
            if found := by_labels(row, results.prompts, own, labels[name], confidence):
                row.update(found, errors_of=name)
                break
        else:
            row.update(by_errors(row, table.get(tuple(row[name] for name in key), {}), judges))
