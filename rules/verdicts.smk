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
    conda:
        "../envs/cpu.yaml"
    params:
        code=code_digest("scripts/judge.py"),
        content=content(named_file("judges/{judge}/patterns")),
        settings=settings("judges/{judge}", "kind", "threshold"),
    shell:
        """
        python scripts/judge.py --judge {wildcards.judge} {params.settings} --patterns {input.patterns} \
            --prompts {input.prompts} --responses {input.responses} --store work/store --out {output} >{log} 2>&1
        """
