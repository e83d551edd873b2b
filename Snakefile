"""tunedrift: what instruction tuning does to a chat model's safety, and whether reward models can see it.

sources → instructions → variants → adapters → responses → verdicts → drift ─┐
                            prompts ────────────┘     └─▶ rewards → agreement ─┴▶ figures → summary

Beside it: labels → verdicts on labelled answers → what the judges are worth, which drift, decision and summary are told;
and verdicts → the decision on each tuned checkpoint.
"""

from snakemake.utils import min_version

min_version("9.25")


report: "resources/report/study.rst"


include: "rules/common.smk"
include: "rules/models.smk"
include: "rules/instructions.smk"
include: "rules/variants.smk"
include: "rules/adapters.smk"
include: "rules/prompts.smk"
include: "rules/gate.smk"
include: "rules/responses.smk"
include: "rules/labels.smk"
include: "rules/verdicts.smk"
include: "rules/preferences.smk"
include: "rules/rewards.smk"
include: "rules/statistics.smk"
include: "rules/decisions.smk"
include: "rules/figures.smk"
include: "rules/targets.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        "<results>/tables/drift.csv",
        "<results>/tables/family.csv",
        "<results>/tables/judges.csv",
        "<results>/tables/invariance.csv",
        "<results>/tables/agreement.csv",
        "<results>/tables/forecasts.csv",
        "<results>/tables/profiles.csv",
        "<results>/tables/overlap.csv",
        "<results>/tables/decision.csv",
        # Where the study names tasks of the lm-evaluation-harness.
        "<results>/tables/lm_eval.csv" if study["lm_eval/tasks"] else [],
        "<results>/figures/drift.svg",
        "<results>/figures/effects.svg",
        "<results>/figures/splits.svg",
        "<results>/figures/disagreement.svg",
        "<results>/figures/judges.svg",
        "<results>/figures/rm_agreement.svg",
        "<results>/figures/rm_errors.svg",
        "<results>/figures/forecast.svg",
        "<results>/figures/variants.svg",
        "<results>/figures/losses.svg",
        "<results>/decision.json",
        "<results>/decision.junit.xml",
        "<results>/decision.md",
        "<results>/summary.md",
        "<results>/provenance.json",
    localrule: True
