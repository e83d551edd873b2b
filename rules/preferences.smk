"""Preferences: pairs of answers to one prompt of which people called one safer.

Needs: the files that preference_sets name.
Makes: <results>/preferences/{preference_set}.parquet and the rows that could not be used.
"""


rule load_preferences:
    """Read, normalise and check one preference set."""
    input:
        source_files("preference_sets/{preference_set}"),
    output:
        table="<results>/preferences/{preference_set}.parquet",
        rejects="<results>/preferences/{preference_set}.rejects.csv",
    log:
        "<results>/logs/load_preferences/{preference_set}.log",
    benchmark:
        "<results>/benchmarks/load_preferences/{preference_set}.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("load_preferences"),
        code=code_digest(program("load_preferences")),
        content=content(source_files("preference_sets/{preference_set}")),
        settings=settings(
            "preference_sets/{preference_set}",
            *("hub", "revision", "file"),
            *("layout", "columns", "labels", "n", "seed", "max_rejected"),
        ),
    shell:
        """
        python {params.program:q} --preference-set {wildcards.preference_set} --path {input:q} {params.settings} \
            --out {output.table} --rejects {output.rejects} >{log} 2>&1
        """
