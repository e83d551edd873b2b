"""Variants: the same rows after one cell of the design.

Needs: <results>/instructions/{dataset}.parquet and the word lists in resources/.
Makes: <results>/variants/{dataset}/{variant}.parquet and .profile.json, <results>/tables/profiles.{parquet,csv};
on demand <results>/export/{dataset}/, each variant as JSON Lines and Parquet with a data set card.
"""


rule transform:
    """Apply a variant's levels to every eligible row and count what changed."""
    input:
        instructions="<results>/instructions/{dataset}.parquet",
        statements=study["resources/statements"],
        personas=study["resources/personas"],
        fillers=study["resources/fillers"],
        cues=study["resources/cues"],
        length_model=study.length_model() or [],
        safety=lambda wildcards: (
            "<results>/instructions/safety_data.parquet"
            if "safety_mix" in study.cells[wildcards.variant]
            else []
        ),
    output:
        table="<results>/variants/{dataset}/{variant}.parquet",
        profile="<results>/variants/{dataset}/{variant}.profile.json",
    log:
        "<results>/logs/transform/{dataset}/{variant}.log",
    benchmark:
        "<results>/benchmarks/transform/{dataset}/{variant}.jsonl"
    conda:
        "../envs/cpu.yaml"
    threads: lambda wildcards: study.processes(wildcards.dataset)
    params:
        program=program("transform"),
        code=code_digest(program("transform")),
        content=content(
            *(study[f"resources/{name}"] for name in ("statements", "personas", "fillers", "cues"))
        ),
        cell=lambda wildcards: flags(study.cells[wildcards.variant]),
        eligible=study["eligible"],
        language=study["resources/language"],
    shell:
        """
        python {params.program:q} --instructions {input.instructions} --statements {input.statements:q} \
            --personas {input.personas:q} --fillers {input.fillers:q} --cues {input.cues:q} --language {params.language:q} \
            --safety-data {input.safety} --length-model {input.length_model} {params.cell} \
            --eligible {params.eligible} --threads {threads} --out {output.table} --profile {output.profile} >{log} 2>&1
        grep -h '^warning: ' {log} >&2 || true
        """


rule measure_variants:
    """Set all profiles side by side, with the tokens of each studied model."""
    input:
        instructions=collect("<results>/instructions/{dataset}.parquet", dataset=study["datasets"]),
        variants=collect(
            "<results>/variants/{dataset}/{variant}.parquet",
            dataset=study["datasets"],
            variant=study.trained_variants,
        ),
        profiles=collect(
            "<results>/variants/{dataset}/{variant}.profile.json",
            dataset=study["datasets"],
            variant=study.trained_variants,
        ),
        models=collect("models/{model}/model.json", model=study.studied),
        rejected=collect(
            "<results>/adapters/{model}/{dataset}/rejected.parquet",
            model=study.studied,
            dataset=study["datasets"],
        ),
    output:
        table="<results>/tables/profiles.parquet",
        csv="<results>/tables/profiles.csv",
    log:
        "<results>/logs/measure_variants.log",
    benchmark:
        "<results>/benchmarks/measure_variants.jsonl"
    conda:
        "../envs/torch.yaml"
    params:
        program=program("measure_variants"),
        code=code_digest(program("measure_variants")),
    shell:
        """
        python {params.program:q} --instructions {input.instructions} --variants {input.variants} \
            --profiles {input.profiles} --models {input.models} --rejected {input.rejected} --out {output.table} {output.csv} >{log} 2>&1
        """


rule export:
    """Write a dataset's variants and a card in the hub's format."""
    input:
        files=dataset_files,
        safety_files=files_named_by(study.safety_source()),
        rejects="<results>/instructions/{dataset}.rejects.csv",
        held_out="<results>/instructions/{dataset}.held_out.parquet",
        variants=collect("<results>/variants/{{dataset}}/{variant}.parquet", variant=study.trained_variants),
        profiles=collect(
            "<results>/variants/{{dataset}}/{variant}.profile.json", variant=study.trained_variants
        ),
    output:
        card="<results>/export/{dataset}/README.md",
        held_out="<results>/export/{dataset}/held_out.parquet",
        tables=collect(
            "<results>/export/{{dataset}}/{variant}.{suffix}",
            variant=study.trained_variants,
            suffix=["parquet", "jsonl"],
        ),
    log:
        "<results>/logs/export/{dataset}.log",
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("export"),
        code=code_digest(program("export")),
        source=lambda wildcards: json.dumps(study.dataset(wildcards.dataset), sort_keys=True),
        safety=flags(
            {"safety_source": json.dumps(study.safety_source(), sort_keys=True)}
            if study.safety_source()
            else {}
        ),
        out=subpath(output.card, parent=True),
    shell:
        """
        python {params.program:q} --dataset {wildcards.dataset} --source {params.source:q} --files {input.files:q} \
            {params.safety} --safety-files {input.safety_files:q} \
            --rejects {input.rejects} --held-out {input.held_out} --variants {input.variants} \
            --out {params.out} >{log} 2>&1
        """
