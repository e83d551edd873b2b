"""Verdicts: what each judge says of every answer of a model.

Needs: <results>/prompts/, <results>/responses/{model}/, <results>/labels/, the judge's word lists.
Makes: <results>/verdicts/{judge}/{model}.parquet, <results>/verdicts/{judge}/labels/{label_set}.parquet and, of judges
that are fitted, <results>/judges/{judge}.json and .safetensors.
"""


rule judge:
    """Judge all answers of one model, untuned and tuned, by one judge."""
    input:
        prompts=collect("<results>/prompts/{suite}.parquet", suite=study["suites"]),
        responses=collect("<results>/responses/{{model}}/{tuning}.parquet", tuning=study.tunings()),
        patterns=named_file("judges/{judge}/patterns"),
        fitted=fitted_judge,
    output:
        "<results>/verdicts/{judge}/{model}.parquet",
    log:
        "<results>/logs/judge/{judge}/{model}.log",
    benchmark:
        "<results>/benchmarks/judge/{judge}/{model}.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("judge"),
        code=lambda wildcards: Kinds(program("judge"), "verdicts", study.judge_module(wildcards.judge)).digest,
        content=content(named_file("judges/{judge}/patterns")),
        settings=settings("judges/{judge}", "kind", "by", "published", "threshold", "execute_code", "suites"),
    shell:
        """
        python {params.program:q} --judge {wildcards.judge} {params.settings} --patterns {input.patterns:q} \
            --fitted {input.fitted} --prompts {input.prompts} --responses {input.responses} \
            --store work/store --out {output} >{log} 2>&1
        """


rule fit_judge:
    """Fit a judge on the label sets that the study names for it."""
    input:
        lambda wildcards: collect(
            "<results>/labels/{label_set}.parquet",
            label_set=study["judges"][wildcards.judge]["fitted_on"],
        ),
    output:
        judge="<results>/judges/{judge}.json",
        weights="<results>/judges/{judge}.safetensors",
    log:
        "<results>/logs/fit_judge/{judge}.log",
    benchmark:
        "<results>/benchmarks/fit_judge/{judge}.jsonl"
    wildcard_constraints:
        judge=one_of(study.names("judges", by="learned")),
    conda:
        "../envs/cpu.yaml"
    threads: 1
    params:
        program=program("fit_judge"),
        code=code_digest(program("fit_judge")),
        settings=settings("judges/{judge}", "kind"),
    shell:
        """
        OMP_NUM_THREADS={threads} OPENBLAS_NUM_THREADS={threads} python {params.program:q} --judge {wildcards.judge} \
            {params.settings} --labels {input} --out {output.judge} >{log} 2>&1
        """


rule judge_labels:
    """Judge the answers of one label set by one judge."""
    input:
        labels="<results>/labels/{label_set}.parquet",
        patterns=named_file("judges/{judge}/patterns"),
        fitted=fitted_judge,
    output:
        "<results>/verdicts/{judge}/labels/{label_set}.parquet",
    log:
        "<results>/logs/judge_labels/{judge}/{label_set}.log",
    benchmark:
        "<results>/benchmarks/judge_labels/{judge}/{label_set}.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("judge"),
        code=rules.judge.params.code,
        content=content(named_file("judges/{judge}/patterns")),
        settings=settings("judges/{judge}", "kind", "by", "published", "threshold"),
    shell:
        """
        python {params.program:q} --judge {wildcards.judge} {params.settings} --patterns {input.patterns:q} \
            --fitted {input.fitted} --labels {input.labels} --store work/store --out {output} >{log} 2>&1
        """
