"""Labels: answers of models of which people said whether they refuse, or whether they do harm.

Needs: the files that label_sets name.
Makes: <results>/labels/{label_set}.parquet and the labels that could not be used.
"""


rule load_labels:
    """Read, normalise and check one label set."""
    input:
        answers=source_files("label_sets/{label_set}"),
        questions=named_file("label_sets/{label_set}/questions"),
    output:
        table="<results>/labels/{label_set}.parquet",
        rejects="<results>/labels/{label_set}.rejects.csv",
    log:
        "<results>/logs/load_labels/{label_set}.log",
    benchmark:
        "<results>/benchmarks/load_labels/{label_set}.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("load_labels"),
        code=code_digest(program("load_labels")),
        content=content(
            source_files("label_sets/{label_set}"), named_file("label_sets/{label_set}/questions")
        ),
        settings=settings(
            "label_sets/{label_set}",
            *("hub", "revision", "file"),
            *("measure", "layout", "columns", "values", "model", "language", "n", "seed", "max_rejected"),
        ),
    shell:
        """
        python {params.program:q} --label-set {wildcards.label_set} --path {input.answers:q} \
            --questions {input.questions:q} {params.settings} \
            --out {output.table} --rejects {output.rejects} >{log} 2>&1
        """
