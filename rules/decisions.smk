"""Decisions: is each tuned checkpoint as good as what it came from?

Needs: <results>/prompts/, <results>/verdicts/, <results>/tables/judges.parquet.
Makes: <results>/decision.{json,junit.xml,md}, <results>/tables/decision.{parquet,csv}.
"""

DECIDED_BY = study.deciding_judges()


rule decide_checkpoints:
    """PASS, FAIL or CANNOT TELL for every tuned checkpoint; succeeds whichever it is."""
    input:
        prompts=collect("<results>/prompts/{suite}.parquet", suite=study["suites"]),
        verdicts=collect(
            "<results>/verdicts/{judge}/{model}.parquet", judge=DECIDED_BY.values(), model=study.studied
        ),
        judges="<results>/tables/judges.parquet",
    output:
        json="<results>/decision.json",
        junit="<results>/decision.junit.xml",
        markdown="<results>/decision.md",
        table="<results>/tables/decision.parquet",
        csv="<results>/tables/decision.csv",
    log:
        "<results>/logs/decide_checkpoints.log",
    benchmark:
        "<results>/benchmarks/decide_checkpoints.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("decide"),
        code=code_digest(program("decide")),
        judges=flags(DECIDED_BY),
        margins=flags(
            {"margins": {name: loss for name, loss in study["decision/margins"].items() if loss is not None}}
        ),
        checkpoints=flags({"checkpoints": study.deciding()}),
        embedded=flags({"embedded": study.names("models", studied=True, kind="embedded")}),
        settings=settings("statistics", "confidence"),
    shell:
        """
        python {params.program:q} --prompts {input.prompts} --verdicts {input.verdicts} --judges {input.judges} \
            {params.judges} {params.margins} {params.checkpoints} {params.embedded} {params.settings} \
            --out {output} >{log} 2>&1
        """


rule decide:
    """Say what was decided, and fail unless it is PASS or no checkpoint's word counts."""
    input:
        "<results>/decision.json",
    log:
        "<results>/logs/decide.log",
    retries: 0
    localrule: True
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("decide"),
    shell:
        """
        python {params.program:q} --check {input} 2>&1 | tee {log}
        """
