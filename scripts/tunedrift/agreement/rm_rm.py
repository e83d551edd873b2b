"""Reward models against one another: rank correlations and agreement on signs, within prompt."""

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np
import polars as pl

from tunedrift.agreement.scores import clustered_rows, plain_prompts, scores
from tunedrift.design.subjects import parse_subject
from tunedrift.statistics.bootstrap import Bootstrap, ClusterBootstrap, ratio
from tunedrift.statistics.ranking import cohen_kappa, kendall_tau_b, order_by_hash, pair_signs, spearman

SIGNS = (("+", 1), ("-", -1))


def rm_rm(
    rewards: pl.DataFrame, prompts: pl.DataFrame, preferences: Mapping[str, pl.DataFrame], options: Bootstrap
) -> Iterator[dict]:
    """Rows for each pair of reward models on each subject.

    Of responses all greedy answers enter that were scored: to prompts of every kind, plain and
    attacked, by the untuned model and every tuning.

    Kendall's tau-b and Spearman's rho are computed within an item, over its groups (the answers of
    different tunings to one prompt; one row's variants), then averaged over the items where they
    are defined; `undefined_rate` is the share of items where they are not, because one of the two
    ties everything. The pooled ones mix differences between prompts into the agreement: secondary,
    without an interval. Sign agreement and its chance-corrected form `sign_kappa` (Cohen) count
    pairs within an item, each in the order of `order_by_hash`, and leave out pairs that
    either model ties: `sign_tie_rate` is their share. The two answers of a preference have no more
    order than their sign. The bootstrap draws plain prompts; of variants, rows.
    """
    clusters = {"variants": {}, "responses": plain_prompts(prompts)}
    for path in sorted(rewards["subject"].unique()):
        subject = parse_subject(path)
        found = scores(rewards, subject)
        order = order_by_hash(found.items, found.groups)
        ordered = {rm: np.take_along_axis(values, order, axis=1) for rm, values in found.by_rm.items()}
        if subject.stage == "preferences":  # two sets may give their pairs the same ids
            own = dict(preferences[subject.name].select("pair_id", "prompt_key").iter_rows())
        else:
            own = clusters[subject.stage]
        drawn = [own.get(item, item) for item in found.items]
        for rm, other in combinations(sorted(ordered), 2):
            sums = ClusterBootstrap(drawn, rm_columns(ordered[rm], ordered[other]), options.at(path))
            results: dict[str, tuple[tuple, str]] = {
                "sign_agreement": (sums.share("agreed", "untied"), "untied"),
                "sign_kappa": (sums.statistic(cohen_kappa, "untied"), "untied"),
                "sign_tie_rate": (sums.share("tied", "pairs"), "pairs"),
            }
            if subject.stage != "preferences":
                results["undefined_rate"] = (sums.share("undefined", "items"), "items")
                for measure in ("kendall_tau_b", "spearman"):

                    def mean(of: Mapping, measure: str = measure) -> np.ndarray:
                        return ratio(of[measure], of["defined"])

                    results[measure] = (sums.statistic(mean, "defined"), "defined")
            for measure, estimate in pooled(ordered[rm], ordered[other]).items():
                results[measure] = ((estimate, None, None), "texts")
            yield from clustered_rows("rm_rm", rm, sums, results, other=other, **subject.columns)


def rm_columns(scores: np.ndarray, others: np.ndarray) -> dict[str, np.ndarray]:
    """What `rm_rm` sums over items, from two models' (items, groups) scores: column → (items,)."""
    one, other = pair_signs(scores), pair_signs(others)
    tau = kendall_tau_b(one, other)
    tied = (one == 0) | (other == 0)
    tables = {a + b: (one == sign_a) & (other == sign_b) for a, sign_a in SIGNS for b, sign_b in SIGNS}
    tables |= {"agreed": one * other > 0, "tied": tied, "untied": ~tied, "pairs": np.ones(tied.shape)}
    return {
        **{name: table.sum(axis=1) for name, table in tables.items()},
        **{"kendall_tau_b": np.nan_to_num(tau), "spearman": np.nan_to_num(spearman(scores, others))},
        **{"undefined": np.isnan(tau), "defined": ~np.isnan(tau)},
        **{"items": np.ones(len(scores)), "texts": np.full(len(scores), scores.shape[1])},
    }


def pooled(scores: np.ndarray, others: np.ndarray) -> dict[str, float | None]:
    """Rank correlations over all texts of all items; None where a model ties them all."""
    from scipy.stats import kendalltau, spearmanr

    one, other = scores.ravel(), others.ravel()
    varied = min(np.ptp(one), np.ptp(other)) > 0
    functions = {"kendall_tau_b_pooled": kendalltau, "spearman_pooled": spearmanr}
    return {name: function(one, other).statistic if varied else None for name, function in functions.items()}
