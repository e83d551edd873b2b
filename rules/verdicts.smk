"""Verdicts: what each judge says of every answer of a model.

Needs: <results>/prompts/, <results>/responses/{model}/, the judge's word lists.
Makes: <results>/verdicts/{judge}/{model}.parquet.
"""


rule judge:
    """Judge all answers of one model, untuned and tuned, by one judge."""
    input:
        prompts=collect("<results>/prompts/{suite}.parquet", suite=study["suites"]),
        responses=collect("<results>/responses/{{model}}/{tuning}.parquet", tuning=study.tunings()),
        patterns=named_file("judges/{judge}/patterns"),
    output:
        "<results>/verdicts/{judge}/{model}.parquet",
    log:
        "<results>/logs/judge/{judge}/{model}.log",
    benchmark:
        "<results>/benchmarks/judge/{judge}/{model}.jsonl"
    wildcard_constraints:
        judge=one_of(study.names("judges", by="rule") + study.names("judges", by="published")),
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("judge"),
        code=lambda wildcards: Kinds(
            program("judge"),
            "verdicts",
            study["judges"][wildcards.judge].get("published") or study["judges"][wildcards.judge]["kind"],
        ).digest,
        content=content(named_file("judges/{judge}/patterns")),
        settings=settings("judges/{judge}", "kind", "published", "threshold"),
    shell:
        """
        python {params.program:q} --judge {wildcards.judge} {params.settings} --patterns {input.patterns:q} \
            --prompts {input.prompts} --responses {input.responses} --store work/store --out {output} >{log} 2>&1
        """
