"""Targets: stop at any stage by its name, e.g. `snakemake --cores 8 variants`."""


rule models:
    input:
        collect("models/{name}/model.json", name=[*study["models"], *study["reward_models"]]),
    localrule: True


rule instructions:
    input:
        collect("<results>/instructions/{dataset}.parquet", dataset=study["datasets"]),
    localrule: True


rule variants:
    input:
        collect(
            "<results>/variants/{dataset}/{variant}.parquet",
            dataset=study["datasets"],
            variant=study.trained_variants,
        ),
    localrule: True


rule export_datasets:
    """Each variant as JSON Lines and Parquet with a data set card, ready for the hub."""
    input:
        collect("<results>/export/{dataset}/README.md", dataset=study["datasets"]),
    localrule: True


rule adapters:
    input:
        collect(
            "<results>/adapters/{model}/{tuning}/training.json",
            model=study.studied,
            tuning=study.adapters(),
        ),
    localrule: True


rule prompts:
    input:
        collect("<results>/prompts/{suite}.parquet", suite=study["suites"]),
    localrule: True


rule responses:
    input:
        collect("<results>/responses/{model}/{tuning}.parquet", model=study.studied, tuning=study.tunings()),
    localrule: True


rule labels:
    input:
        collect("<results>/labels/{label_set}.parquet", label_set=study["label_sets"]),
    localrule: True


rule verdicts:
    input:
        collect("<results>/verdicts/{judge}/{model}.parquet", judge=study["judges"], model=study.studied),
    localrule: True


rule preferences:
    input:
        collect("<results>/preferences/{preference_set}.parquet", preference_set=study["preference_sets"]),
    localrule: True


rule rewards:
    input:
        rules.measure_agreement.input.on_variants,
        rules.measure_agreement.input.on_responses,
        rules.measure_agreement.input.on_preferences,
    localrule: True


rule tables:
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
    localrule: True


rule figures:
    input:
        rules.draw_drift.output,
        rules.draw_judges.output,
        rules.draw_agreement.output,
        rules.draw_variants.output,
        rules.draw_losses.output,
    localrule: True


rule costs:
    """Print what each stage has cost so far; runs nothing else."""
    log:
        "<results>/logs/costs.log",
    localrule: True
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("costs"),
        results=study["results"],
        models=[f"models/{name}" for name in (*study["models"], *study["reward_models"])],
        # Asked when all rules are known.
        stages=lambda wildcards: [rule.name for rule in workflow.rules if rule.benchmark],
    shell:
        """
        python {params.program:q} --results {params.results} --models {params.models} \
            --stages {params.stages} 2>&1 | tee {log}
        """
