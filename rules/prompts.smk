"""Prompts: every test prompt, plain and under each attack of its suite.

Needs: the files that suites and attacks name.
Makes: <results>/prompts/{suite}.parquet.
"""


rule wrap:
    """Read one suite and wrap its prompts into the suite's attacks."""
    input:
        prompts=source_files("suites/{suite}"),
        attacks=lambda wildcards: study.attack_files(wildcards.suite),
    output:
        "<results>/prompts/{suite}.parquet",
    log:
        "<results>/logs/wrap/{suite}.log",
    benchmark:
        "<results>/benchmarks/wrap/{suite}.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        code=code_digest("scripts/wrap.py"),
        settings=settings("suites/{suite}", "kind", "columns", "header", "attacks", "n", "seed"),
    shell:
        """
        python scripts/wrap.py --suite {wildcards.suite} --path {input.prompts:q} --attack-files {input.attacks:q} \
            {params.settings} --out {output} >{log} 2>&1
        """
