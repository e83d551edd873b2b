"""Adapters: one per model, dataset, variant and seed; or the whole model where all its weights are tuned.

Needs: models/{model}/model.json, a passed gate, <results>/variants/{dataset}/{variant}.parquet.
Makes: <results>/adapters/{model}/{dataset}/rejected.parquet and, in the same folder, {variant}/seed{seed}/; where
data sets hold rows out, <results>/losses/{model}/{tuning}.parquet.
"""


rule select_rows:
    """Find the rows that a model cannot be tuned on in some variant; they are left out of all variants."""
    input:
        model="models/{model}/model.json",
        variants=collect("<results>/variants/{{dataset}}/{variant}.parquet", variant=study.trained_variants),
    output:
        "<results>/adapters/{model}/{dataset}/rejected.parquet",
    log:
        "<results>/logs/select_rows/{model}/{dataset}.log",
    benchmark:
        "<results>/benchmarks/select_rows/{model}/{dataset}.jsonl"
    # What stops a study should stop it before anything is tuned.
    priority: 1
    conda:
        "../envs/torch.yaml"
    params:
        program=program("select_rows"),
        code=code_digest(program("select_rows")),
        settings=lambda wildcards: flags(
            {key: study.tuning(wildcards.model)[key] for key in ("max_length", "max_rejected")}
        ),
    shell:
        """
        python {params.program:q} --model {input.model} --variants {input.variants} {params.settings} \
            --out {output} >{log} 2>&1
        """


rule tune:
    """Train one adapter on the assistant's tokens."""
    input:
        model="models/{model}/model.json",
        variant="<results>/variants/{dataset}/{variant}.parquet",
        # Another variant changes this file's time more often than its content, of which the params tell.
        rejected=ancient("<results>/adapters/{model}/{dataset}/rejected.parquet"),
        # The gate must have been passed; its figures are no ingredient.
        gate=ancient("<results>/gate/{model}.json"),
    output:
        weights="<results>/adapters/{model}/{dataset}/{variant}/seed{seed}/adapter_model.safetensors",
        config="<results>/adapters/{model}/{dataset}/{variant}/seed{seed}/adapter_config.json",
        training="<results>/adapters/{model}/{dataset}/{variant}/seed{seed}/training.json",
        steps="<results>/adapters/{model}/{dataset}/{variant}/seed{seed}/steps.jsonl",
    log:
        "<results>/logs/tune/{model}/{dataset}/{variant}/seed{seed}.log",
    benchmark:
        "<results>/benchmarks/tune/{model}/{dataset}/{variant}/seed{seed}.jsonl"
    wildcard_constraints:
        model=one_of(study.tuned_by("lora", "qlora")),
    conda:
        "../envs/torch.yaml"
    threads: demand("threads")
    resources:
        gpu=demand("gpu"),
        mem_mb=demand("mem_mb"),
        # Of the first attempt, whichever this is: from it follows how many rows go at a time. No param, since more
        # memory is no reason to tune again.
        first_mem_mb=lambda wildcards: study["models"][wildcards.model]["mem_mb"],
        runtime=demand("runtime"),
    params:
        program=program("tune"),
        code=code_digest(program("tune")),
        settings=lambda wildcards: flags(
            {key: value for key, value in study.tuning(wildcards.model).items() if key != "max_rejected"}
        ),
        rejected=made_content("<results>/adapters/{model}/{dataset}/rejected.parquet"),
        out=subpath(output.weights, parent=True),
    shell:
        """
        python {params.program:q} --model {input.model} --variant {input.variant} --rejected {input.rejected} \
            --seed {wildcards.seed} {params.settings} --threads {threads} --memory-mb {resources.first_mem_mb} \
            --gpus {resources.gpu} --out {params.out} >{log} 2>&1
        """


use rule tune as tune_full with:
    output:
        weights="<results>/adapters/{model}/{dataset}/{variant}/seed{seed}/model.safetensors",
        config="<results>/adapters/{model}/{dataset}/{variant}/seed{seed}/config.json",
        generation="<results>/adapters/{model}/{dataset}/{variant}/seed{seed}/generation_config.json",
        training="<results>/adapters/{model}/{dataset}/{variant}/seed{seed}/training.json",
        steps="<results>/adapters/{model}/{dataset}/{variant}/seed{seed}/steps.jsonl",
    wildcard_constraints:
        model=one_of(study.tuned_by("full")),


rule measure_loss:
    """The loss of one model, untuned or as one tuning left it, on the rows that all data sets hold out."""
    input:
        model="models/{model}/model.json",
        tuned=tuned_weights,
        held_out=collect("<results>/instructions/{dataset}.held_out.parquet", dataset=study.held_out()),
    output:
        "<results>/losses/{model}/{tuning}.parquet",
    log:
        "<results>/logs/measure_loss/{model}/{tuning}.log",
    benchmark:
        "<results>/benchmarks/measure_loss/{model}/{tuning}.jsonl"
    conda:
        "../envs/torch.yaml"
    threads: demand("threads")
    resources:
        gpu=demand("gpu"),
        mem_mb=demand("mem_mb"),
        runtime=demand("runtime"),
    params:
        program=program("measure_loss"),
        code=code_digest(program("measure_loss")),
        datasets=study.held_out(),
        settings=lambda wildcards: flags({"max_length": study.tuning(wildcards.model)["max_length"]}),
    shell:
        """
        python {params.program:q} --model {input.model} --model-name {wildcards.model} --tuning {wildcards.tuning} \
            --tuned {input.tuned} --held-out {input.held_out} --datasets {params.datasets} {params.settings} \
            --threads {threads} --gpus {resources.gpu} --out {output} >{log} 2>&1
        """
