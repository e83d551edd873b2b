"""Report: what was found, in words, and what it was made with.

Needs: <results>/tables/, <results>/verdicts/, <results>/prompts/, <results>/gate/, and every table of answers and scores for its library versions.
Makes: <results>/summary.md and <results>/provenance.json.
"""


rule summarize:
    """Write the findings as sentences, computed from the tables."""
    input:
        drift="<results>/tables/drift.parquet",
        family="<results>/tables/family.parquet",
        judges="<results>/tables/judges.parquet",
        agreement="<results>/tables/agreement.parquet",
        invariance="<results>/tables/invariance.parquet",
        profiles="<results>/tables/profiles.parquet",
        overlap="<results>/tables/overlap.parquet",
        verdicts=rules.verdicts.input,
        suites=collect("<results>/prompts/{suite}.parquet", suite=study["suites"]),
        gates=collect("<results>/gate/{model}.json", model=study.studied),
        rows=[rules.responses.input, rules.rewards.input],
    output:
        report("<results>/summary.md", category="Summary"),
    log:
        "<results>/logs/summarize.log",
    benchmark:
        "<results>/benchmarks/summarize.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("summarize"),
        code=code_digest(program("summarize")),
        primary_judge=study["primary_judge"],
        refusal_judge=flags({"refusal_judge": next(iter(study.names("judges", kind="refusal")), None)}),
        levels=flags(
            {
                "levels": {
                    name: ",".join(f"{factor}/{level}" for factor, level in cell.items())
                    for name, cell in study.cells.items()
                    if cell
                }
            }
        ),
        embedded=flags(
            {"embedded": [name for name in study.studied if study["models"][name]["kind"] == "embedded"]}
        ),
    shell:
        """
        python {params.program:q} --drift {input.drift} --family {input.family} --judges {input.judges} --agreement {input.agreement} \
            --invariance {input.invariance} {params.levels} --profiles {input.profiles} --overlap {input.overlap} \
            --verdicts {input.verdicts} --suites {input.suites} --gates {input.gates} \
            --rows {input.rows} --primary-judge {params.primary_judge} {params.refusal_judge} {params.embedded} \
            --out {output} >{log} 2>&1
        """


FINAL_TABLES = [
    *("drift", "family", "judges", "invariance", "agreement"),
    *("forecasts", "profiles", "overlap", "matches", "decision"),
    *(["lm_eval"] if study["lm_eval/tasks"] else []),
]


rule record_provenance:
    """Read every final result back; record digests, settings, versions, commit and machine."""
    input:
        models=rules.models.input,
        datasets=rules.instructions.input,
        rows=[rules.responses.input, rules.rewards.input],
        finals=[
            collect("<results>/tables/{table}.{suffix}", table=FINAL_TABLES, suffix=["parquet", "csv"]),
            rules.figures.input,
            "<results>/decision.json",
            "<results>/decision.junit.xml",
            "<results>/decision.md",
            "<results>/summary.md",
        ],
    output:
        "<results>/provenance.json",
    log:
        "<results>/logs/record_provenance.log",
    conda:
        "../envs/torch.yaml"
    params:
        program=program("record_provenance"),
        code=code_digest(program("record_provenance")),
        config=json.dumps(study.config, sort_keys=True),
    shell:
        """
        python {params.program:q} --config {params.config:q} --models {input.models} --datasets {input.datasets} --rows {input.rows} --finals {input.finals} --out {output} >{log} 2>&1
        """
