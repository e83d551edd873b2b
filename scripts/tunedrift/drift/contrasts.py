"""Drift: how often each tuned model refuses, stays safe and stays useful, and what changed that."""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

import polars as pl

from tunedrift.design.tunings import ORIGINAL, UNTUNED, parse_tuning
from tunedrift.drift.corrections import CORRECTED, correction, measured, unjudged_tunings
from tunedrift.drift.measures import BY_COHERENCE, MEASURES, OF_ATTACK, measure_name, suited
from tunedrift.drift.own_labels import own_labels, powered, usable_labels
from tunedrift.drift.rates import Comparison, compare, count
from tunedrift.drift.splits import slices
from tunedrift.errors import UserError
from tunedrift.tables.drift import DRIFT


def drift(
    prompts: pl.DataFrame,
    verdicts: pl.DataFrame,
    controls: Mapping[str, str],
    confidence: float = 0.95,
    judges: pl.DataFrame | None = None,
    embedded: Collection[str] = (),
    labelled: pl.DataFrame | None = None,
    split_by: Collection[str] = ("stratum",),
    judged_suites: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> pl.DataFrame:
    """The drift table of all judges and models in `verdicts` (several may be stacked).

    `controls` names a variant's matched control; a variant that it does not name is compared with
    `original`. `judges` (tables/judges) tells how the judges err, for the
    corrected rates; of `embedded` models simulated labels tell it too. Where `labelled` (see `usable_labels`) has
    labels of enough of a row's own answers, they correct it. `split_by` are the properties of prompts by which
    each suite is split (see `slices`); `judged_suites` names the suites of a judge that is for some alone. Raises
    `UserError` where a verdict is missing, is on an unknown prompt, or where a control was not tuned.
    """
    unknown = verdicts.join(prompts, on="prompt_id", how="anti")
    if len(unknown):
        raise UserError(
            f"judge {unknown['judge'][0]!r} has a verdict on {unknown['prompt_id'].sort()[0]!r}, "
            "which is in no prompts table: give every suite that was judged, and judge again where a suite was edited."
        )
    rows = []
    for (judge, kind, model), judged in sorted(
        verdicts.partition_by("judge", "kind", "model", as_dict=True).items()
    ):
        named = list(comparisons(sorted(judged["tuning"].unique()), controls))
        errors = None
        if judges is not None:
            errors = measured(judges, judge, model in embedded, confidence)
        label_sets = usable_labels(labelled, judges, judge, model, model in embedded)
        names, compared = [names for names, _ in named], [comparison for _, comparison in named]
        for measure in (measure for measure in MEASURES if suited(measure, judged)):
            suites = prompts.filter(pl.col("kind") == measure.prompts).partition_by("suite", as_dict=True)
            for (suite,), asked in sorted(suites.items()):
                if suite not in judged_suites.get(judge, [suite]):
                    continue
                found = count(judged, asked, measure)
                if found is None:
                    continue
                own = [
                    own_labels(name, labels, judged, measure, found)
                    for name, labels in label_sets.items()
                    if measure.name in CORRECTED
                ]
                for attack, split, part, chosen in slices(found.prompts, split_by):
                    where = {
                        "judge": judge,
                        "suite": suite,
                        "attack": attack,
                        "split": split,
                        "part": part,
                        "model": model,
                    }
                    where["measure"] = measure_name(measure, attack, suite)
                    pooled = found.pool(chosen)
                    values = compare(pooled, compared, measure.desired, confidence)
                    by_labels = powered(own, found, chosen, compared, confidence)
                    if errors is not None and measure.name in CORRECTED:
                        unjudged = unjudged_tunings(judged, measure, found, chosen)
                        by_labels = [
                            labels or correction(pooled, comparison, value, errors, kind, unjudged)
                            for labels, comparison, value in zip(by_labels, compared, values, strict=True)
                        ]
                    values = [value | corrected for value, corrected in zip(values, by_labels, strict=True)]
                    rows += [{**where, **name, **value} for name, value in zip(names, values, strict=True)]
    # Rounding keeps the last bits of sums, which depend on the machine, out of the table.
    table = DRIFT.frame(rows).with_columns(pl.col(pl.Float64).fill_nan(None).round(12))
    return table.with_columns(sign_depends=sign_depends()).sort(DRIFT.key)


def sign_depends() -> pl.Expr:
    """Whether the sign of a difference in safety depends on what an answer that strays counts as.

    True where SA, SA_coherent and SA_safe_and_coherent of one comparison have estimates of opposite signs, or
    where one is resolved (its interval leaves zero out) and another has no sign: zero, or nothing is counted.
    Null for other measures and for rates.
    """
    estimate, low, high = pl.col("estimate"), pl.col("low"), pl.col("high")
    signless = estimate.is_null() | (estimate == 0)
    resolved = (low > 0) | (high < 0)
    measured = pl.col("measure").str.replace(OF_ATTACK, "")
    safety = measured.is_in(BY_COHERENCE) & (pl.col("contrast") != "rate")
    comparison = [*(name for name in DRIFT.key if name != "measure"), safety]
    either = ((estimate > 0).any() & (estimate < 0).any()) | (resolved.any() & signless.any())
    return pl.when(safety).then(either.over(comparison))


def comparisons(tunings: list[str], controls: Mapping[str, str]) -> Iterator[tuple[dict, Comparison]]:
    """What the drift table compares among a model's sorted tunings: (its name columns, the comparison).

    Every variant has its rate and its difference from the untuned model; every level its difference
    from its matched control, and where that is not `original`, the secondary difference from it. Differences between variants use the seeds that both have.
    """
    variants: dict[tuple[str, str], dict[int, int]] = {}
    for index, (dataset, variant, seed) in enumerate(map(parse_tuning, tunings)):
        if dataset is not None and variant is not None and seed is not None:
            variants.setdefault((dataset, variant), {})[seed] = index

    def named(
        contrast: str, dataset: str | None, variant: str | None, reference: str | None, seeds: int
    ) -> dict:
        values = (contrast, dataset, variant, reference, seeds)
        return dict(zip(("contrast", "dataset", "variant", "reference", "seeds"), values, strict=True))

    untuned = tunings.index(UNTUNED) if UNTUNED in tunings else None
    if untuned is not None:
        yield named("rate", None, None, None, 0), Comparison([untuned], [])
    for (dataset, variant), columns in variants.items():
        everywhere = list(columns.values())
        yield named("rate", dataset, variant, None, len(columns)), Comparison(everywhere, [])
        if untuned is not None:
            name = named("tuned - untuned", dataset, variant, UNTUNED, len(columns))
            yield name, Comparison(everywhere, [untuned] * len(columns))
        for contrast, reference in references(dataset, variant, controls, variants):
            others = variants[dataset, reference]
            shared = [seed for seed in columns if seed in others]
            if not shared:
                raise UserError(
                    f"{dataset}/{variant} and its control {reference!r} share no seed: tune both alike."
                )
            comparison = Comparison([columns[seed] for seed in shared], [others[seed] for seed in shared])
            yield named(contrast, dataset, variant, reference, len(shared)), comparison


def references(
    dataset: str, variant: str, controls: Mapping[str, str], tuned: Mapping[tuple[str, str], dict]
) -> Iterator[tuple[str, str]]:
    """(contrast, reference variant) of one variant: its matched control first, then `original`.

    A variant that serves as a control and has none is no level of a factor: it is compared with `original` only.
    """
    control = controls.get(variant, ORIGINAL)
    if variant in controls and (dataset, control) not in tuned:
        raise UserError(
            f"{variant!r} has the control {control!r}, which was not tuned on {dataset!r}: "
            f"tune it, or take {variant!r} out of the controls."
        )
    if variant == ORIGINAL:
        return
    serves = variant in controls.values() and variant not in controls
    if not serves and (dataset, control) in tuned:
        yield "level - control", control
    if (serves or control != ORIGINAL) and (dataset, ORIGINAL) in tuned:
        yield "level - original", ORIGINAL
