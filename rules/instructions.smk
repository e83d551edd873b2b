"""Instructions: any instruction file as one table of chats.

Needs: the files that datasets name.
Makes: <results>/instructions/{dataset}.parquet and the rows that could not be used.
"""


rule load:
    """Read, normalise, draw and check one dataset."""
    input:
        source_files("datasets/{dataset}"),
    output:
        table="<results>/instructions/{dataset}.parquet",
        rejects="<results>/instructions/{dataset}.rejects.csv",
    log:
        "<results>/logs/load/{dataset}.log",
    benchmark:
        "<results>/benchmarks/load/{dataset}.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        code=code_digest("scripts/load.py"),
        settings=settings("datasets/{dataset}", "layout", "columns", "n", "seed", "max_rejected"),
    shell:
        """
        python scripts/load.py --dataset {wildcards.dataset} --path {input:q} {params.settings} \
            --out {output.table} --rejects {output.rejects} >{log} 2>&1
        """
