"""Prompts: every test prompt, plain and under each attack of its suite.

Needs: the files that suites and attacks name.
Makes: <results>/prompts/{suite}.parquet, the rows that were left out, and the prompts as a variant was trained,
as_trained/{dataset}/{variant}.parquet.
"""


rule load_prompts:
    """Read one suite and wrap its prompts into the suite's attacks."""
    input:
        prompts=source_files("suites/{suite}"),
        attacks=attack_files,
    output:
        table="<results>/prompts/{suite}.parquet",
        rejects="<results>/prompts/{suite}.rejects.csv",
    log:
        "<results>/logs/load_prompts/{suite}.log",
    benchmark:
        "<results>/benchmarks/load_prompts/{suite}.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("load_prompts"),
        code=code_digest(program("load_prompts")),
        suite="{suite}",
        content=content(source_files("suites/{suite}"), attack_files),
        settings=settings(
            "suites/{suite}",
            *("hub", "revision", "file"),
            *("kind", "layout", "columns", "header", "keep", "language", "attacks", "n", "seed"),
            *("max_rejected", "licence"),
        ),
        attacks=attack_settings,
    shell:
        """
        python {params.program:q} --suite {params.suite} --path {input.prompts:q} {params.settings} {params.attacks} \
            --out {output.table} --rejects {output.rejects} >{log} 2>&1
        """


rule contextualize:
    """Ask every prompt as a variant's training rows are asked: under their personas, system prompts and cues."""
    input:
        prompts=collect("<results>/prompts/{suite}.parquet", suite=study["suites"]),
        variant="<results>/variants/{dataset}/{variant}.parquet",
    output:
        "<results>/prompts/as_trained/{dataset}/{variant}.parquet",
    log:
        "<results>/logs/contextualize/{dataset}/{variant}.log",
    benchmark:
        "<results>/benchmarks/contextualize/{dataset}/{variant}.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("contextualize"),
        code=code_digest(program("contextualize")),
    shell:
        """
        python {params.program:q} --prompts {input.prompts} --variant {input.variant} --out {output} >{log} 2>&1
        """
