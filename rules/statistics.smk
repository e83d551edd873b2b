"""Statistics: drift, what judges are worth, what fools them, agreement and overlap.

Needs: <results>/prompts/, <results>/verdicts/, <results>/rewards/, <results>/preferences/, <results>/labels/.
Makes: <results>/tables/{drift,judges,invariance,agreement,forecasts,overlap,matches}.{parquet,csv}.
"""

OF_OWN_ANSWERS = study.names("label_sets", sampled="random")


rule measure_drift:
    """Rates per tuning, tuned - untuned, level - control, with intervals; and the effects declared as primary."""
    input:
        prompts=collect("<results>/prompts/{suite}.parquet", suite=study["suites"]),
        verdicts=collect(
            "<results>/verdicts/{judge}/{model}.parquet", judge=study["judges"], model=study.studied
        ),
        losses=collect(
            "<results>/losses/{model}/{tuning}.parquet", model=study.studied, tuning=study.losses()
        ),
        judges="<results>/tables/judges.parquet",
        # Labels of a random part of the study's own answers, and these answers.
        labels=collect("<results>/labels/{label_set}.parquet", label_set=OF_OWN_ANSWERS),
        responses=collect(
            "<results>/responses/{model}/{tuning}.parquet",
            model=study.studied if OF_OWN_ANSWERS else [],
            tuning=study.tunings(),
        ),
    output:
        table="<results>/tables/drift.parquet",
        csv="<results>/tables/drift.csv",
        family="<results>/tables/family.parquet",
        family_csv="<results>/tables/family.csv",
    log:
        "<results>/logs/measure_drift.log",
    benchmark:
        "<results>/benchmarks/measure_drift.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("measure_drift"),
        code=code_digest(program("measure_drift")),
        settings=settings("statistics", "confidence", "split_by"),
        controls=flags({"controls": study.controls()}),
        primary=flags({"primary": study.primary()}),
        embedded=flags({"embedded": study.names("models", studied=True, kind="embedded")}),
        judged_suites=flags(
            {
                "judged_suites": {
                    judge: ",".join(entry["suites"])
                    for judge, entry in study["judges"].items()
                    if entry["suites"]
                }
            }
        ),
        primary_judge=study["primary_judge"],
    shell:
        """
        python {params.program:q} --prompts {input.prompts} --verdicts {input.verdicts} --judges {input.judges} \
            --losses {input.losses} --labels {input.labels} --responses {input.responses} \
            --primary-judge {params.primary_judge} {params.controls} {params.primary} \
            {params.embedded} {params.judged_suites} {params.settings} \
            --out {output.table} {output.csv} --family {output.family} {output.family_csv} >{log} 2>&1
        """


BY_PEOPLE = study.names("label_sets", labels="people")


rule measure_judges:
    """What each judge is worth against every label set of its measure, and which are certified."""
    input:
        labels=collect("<results>/labels/{label_set}.parquet", label_set=study["label_sets"]),
        verdicts=[
            f"<results>/verdicts/{judge}/labels/{label_set}.parquet"
            for judge, label_set in study.judged_sets()
        ],
        fitted=collect("<results>/judges/{judge}.json", judge=study.names("judges", by="learned")),
        # What people labelled may be the study's own answers.
        prompts=collect("<results>/prompts/{suite}.parquet", suite=study["suites"] if BY_PEOPLE else []),
        responses=collect(
            "<results>/responses/{model}/{tuning}.parquet",
            model=study.studied if BY_PEOPLE else [],
            tuning=study.tunings(),
        ),
    output:
        table="<results>/tables/judges.parquet",
        csv="<results>/tables/judges.csv",
    log:
        "<results>/logs/measure_judges.log",
    benchmark:
        "<results>/benchmarks/measure_judges.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("measure_judges"),
        code=code_digest(program("measure_judges")),
        settings=settings("statistics", "draws", "confidence", "seed", "judge_floor"),
        simulated=flags({"simulated": study.names("label_sets", labels="simulated")}),
        tuned_on=flags(
            {
                "tuned_on": [
                    f"{judge}={label_set}"
                    for judge, entry in study["judges"].items()
                    for label_set in entry["tuned_on"]
                ]
            }
        ),
    shell:
        """
        python {params.program:q} --labels {input.labels} --verdicts {input.verdicts} --fitted {input.fitted} \
            --prompts {input.prompts} --responses {input.responses} \
            {params.simulated} {params.tuned_on} {params.settings} --out {output.table} {output.csv} >{log} 2>&1
        """


# The judges that some label set is for, with all that their verdicts depend on.
TRIED = {
    judge: {
        key: study["judges"][judge].get(key) for key in ("kind", "by", "published", "patterns", "threshold")
    }
    for judge, _ in study.judged_sets()
}


rule measure_invariance:
    """How often a transform of labelled answers, which keeps what they say, flips a judge's verdict."""
    input:
        labels=collect("<results>/labels/{label_set}.parquet", label_set=study["label_sets"]),
        fitted=[
            f"<results>/judges/{judge}.{suffix}"
            for judge in study.names("judges", by="learned")
            for suffix in ("json", "safetensors")
            if judge in TRIED
        ],
        patterns=sorted({entry["patterns"] for entry in TRIED.values() if entry["patterns"]}),
        statements=study["resources/statements"],
        personas=study["resources/personas"],
        fillers=study["resources/fillers"],
        cues=study["resources/cues"],
        length_model=(study.length_model() or []) if TRIED else [],
    output:
        table="<results>/tables/invariance.parquet",
        csv="<results>/tables/invariance.csv",
    log:
        "<results>/logs/measure_invariance.log",
    benchmark:
        "<results>/benchmarks/measure_invariance.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("measure_invariance"),
        code=code_digest(
            program("measure_invariance"),
            *sorted({f"tunedrift.verdicts.{study.judge_module(judge)}" for judge in TRIED}),
        ),
        content=content(
            *(study[f"resources/{name}"] for name in ("statements", "personas", "fillers", "cues")),
            *(entry["patterns"] for entry in TRIED.values() if entry["patterns"]),
        ),
        settings=settings("statistics", "confidence", "max_flips"),
        judges=json.dumps(TRIED, sort_keys=True),
        fitted=lambda wildcards, input: [path for path in input.fitted if path.endswith(".json")],
        language=study["resources/language"],
    shell:
        """
        python {params.program:q} --labels {input.labels} --judges {params.judges:q} --fitted {params.fitted} \
            --statements {input.statements:q} --personas {input.personas:q} --fillers {input.fillers:q} \
            --cues {input.cues:q} --language {params.language:q} --length-model {input.length_model} \
            {params.settings} --store work/store --out {output.table} {output.csv} >{log} 2>&1
        """


rule measure_agreement:
    """Reward models against one another, against people, and against what tuning did."""
    input:
        prompts=collect("<results>/prompts/{suite}.parquet", suite=study["suites"]),
        verdicts=collect(
            "<results>/verdicts/{judge}/{model}.parquet", judge=study["primary_judge"], model=study.studied
        ),
        preferences=collect(
            "<results>/preferences/{preference_set}.parquet", preference_set=study["preference_sets"]
        ),
        on_variants=collect(
            "<results>/rewards/{rm}/variants/{dataset}.parquet",
            rm=study["reward_models"],
            dataset=study["datasets"],
        ),
        on_responses=collect(
            "<results>/rewards/{rm}/responses/{model}.parquet",
            rm=study["reward_models"],
            model=study.studied,
        ),
        on_preferences=collect(
            "<results>/rewards/{rm}/preferences/{preference_set}.parquet",
            rm=study["reward_models"],
            preference_set=study["preference_sets"],
        ),
        patterns=study["gate/patterns"],
    output:
        table="<results>/tables/agreement.parquet",
        csv="<results>/tables/agreement.csv",
        forecasts="<results>/tables/forecasts.parquet",
        forecasts_csv="<results>/tables/forecasts.csv",
    log:
        "<results>/logs/measure_agreement.log",
    benchmark:
        "<results>/benchmarks/measure_agreement.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("measure_agreement"),
        code=code_digest(program("measure_agreement")),
        content=content(study["gate/patterns"]),
        settings=settings("statistics", "draws", "confidence", "seed"),
        primary_judge=study["primary_judge"],
    shell:
        """
        python {params.program:q} --rewards {input.on_variants} {input.on_responses} {input.on_preferences} \
            --preferences {input.preferences} --prompts {input.prompts} --verdicts {input.verdicts} \
            --patterns {input.patterns:q} --primary-judge {params.primary_judge} {params.settings} \
            --out {output.table} {output.csv} --forecasts {output.forecasts} {output.forecasts_csv} >{log} 2>&1
        """


rule measure_overlap:
    """The contamination ledger: prompts that stand in two sets which should be apart."""
    input:
        training=collect("<results>/instructions/{dataset}.parquet", dataset=study["datasets"]),
        held_out=collect(
            "<results>/instructions/{dataset}.held_out.parquet",
            dataset=study.held_out(),
        ),
        safety_mix=collect(
            "<results>/instructions/{dataset}.parquet",
            dataset=[name for name in study.sources() if name not in study["datasets"]],
        ),
        suites=collect("<results>/prompts/{suite}.parquet", suite=study["suites"]),
        gate="<results>/prompts/gate.parquet",
        preferences=collect(
            "<results>/preferences/{preference_set}.parquet", preference_set=study["preference_sets"]
        ),
        labels=collect("<results>/labels/{label_set}.parquet", label_set=study["label_sets"]),
    output:
        table="<results>/tables/overlap.parquet",
        csv="<results>/tables/overlap.csv",
        matches="<results>/tables/matches.parquet",
        matches_csv="<results>/tables/matches.csv",
    log:
        "<results>/logs/measure_overlap.log",
    benchmark:
        "<results>/benchmarks/measure_overlap.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("measure_overlap"),
        code=code_digest(program("measure_overlap")),
        settings=settings("overlap"),
    shell:
        """
        python {params.program:q} --training {input.training} --held-out {input.held_out} \
            --safety-mix {input.safety_mix} --suites {input.suites} --gate {input.gate} \
            --preferences {input.preferences} --labels {input.labels} {params.settings} \
            --out {output.table} {output.csv} --matches {output.matches} {output.matches_csv} >{log} 2>&1
        """
