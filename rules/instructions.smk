"""Instructions: any instruction file as one table of chats.

Needs: the files that datasets and safety_data name, here or on the hub.
Makes: <results>/instructions/{dataset}.parquet, the rows held out, and a list of those that were left out.
"""


rule load_instructions:
    """Read, normalise, draw and check one dataset."""
    input:
        files=dataset_files,
        marks=study["resources/safety_rows"],
    output:
        table="<results>/instructions/{dataset}.parquet",
        held_out="<results>/instructions/{dataset}.held_out.parquet",
        rejects="<results>/instructions/{dataset}.rejects.csv",
    log:
        "<results>/logs/load_instructions/{dataset}.log",
    benchmark:
        "<results>/benchmarks/load_instructions/{dataset}.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("load_instructions"),
        code=code_digest(program("load_instructions")),
        content=content(dataset_files, study["resources/safety_rows"]),
        settings=lambda wildcards: flags(study.loading(wildcards.dataset)),
    shell:
        """
        python {params.program:q} --dataset {wildcards.dataset} --path {input.files:q} {params.settings} \
            --out {output.table} --held-out-table {output.held_out} --rejects {output.rejects} >{log} 2>&1
        grep -h '^warning: ' {log} >&2 || true
        """
