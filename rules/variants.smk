"""Variants: the same rows after one cell of the design.

Needs: <results>/instructions/{dataset}.parquet and the word lists in resources/.
Makes: <results>/variants/{dataset}/{variant}.parquet and .profile.json.
"""


rule transform:
    """Apply a variant's levels to every eligible row and count what changed."""
    input:
        instructions="<results>/instructions/{dataset}.parquet",
        statements=study["resources/statements"],
        personas=study["resources/personas"],
        fillers=study["resources/fillers"],
    output:
        table="<results>/variants/{dataset}/{variant}.parquet",
        profile="<results>/variants/{dataset}/{variant}.profile.json",
    log:
        "<results>/logs/transform/{dataset}/{variant}.log",
    benchmark:
        "<results>/benchmarks/transform/{dataset}/{variant}.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        code=code_digest("scripts/transform.py"),
        cell=lambda wildcards: flags(study.cells[wildcards.variant]),
        eligible=study["eligible"],
    shell:
        """
        python scripts/transform.py --instructions {input.instructions} --statements {input.statements} \
            --personas {input.personas} --fillers {input.fillers} {params.cell} --eligible {params.eligible} \
            --out {output.table} --profile {output.profile} >{log} 2>&1
        """
