"""Summary: what was found, in words.

Needs: <results>/tables/, <results>/gate/.
Makes: <results>/summary.md.
"""


rule summarize:
    """Write the findings as sentences, computed from the tables."""
    input:
        drift="<results>/tables/drift.parquet",
        agreement="<results>/tables/agreement.parquet",
        gates=collect("<results>/gate/{model}.json", model=study.studied),
    output:
        report("<results>/summary.md", category="Summary"),
    log:
        "<results>/logs/summarize.log",
    benchmark:
        "<results>/benchmarks/summarize.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        code=code_digest("scripts/summarize.py"),
        primary_judge=study["primary_judge"],
        embedded=flags(
            {"embedded": [name for name in study.studied if study["models"][name]["kind"] == "embedded"]}
        ),
    shell:
        """
        python scripts/summarize.py --drift {input.drift} --agreement {input.agreement} --gates {input.gates} \
            --primary-judge {params.primary_judge} {params.embedded} --out {output} >{log} 2>&1
        """
