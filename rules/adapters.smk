"""Adapters: one LoRA adapter per model, dataset, variant and seed.

Needs: models/{model}/model.json, a passed gate, <results>/variants/{dataset}/{variant}.parquet.
Makes: <results>/adapters/{model}/{dataset}/{variant}/seed{seed}/.
"""


rule tune:
    """Train one adapter on the assistant's tokens."""
    input:
        model="models/{model}/model.json",
        variant="<results>/variants/{dataset}/{variant}.parquet",
        # The gate must have been passed; its figures are no ingredient.
        gate=ancient("<results>/gate/{model}.json"),
    output:
        weights="<results>/adapters/{model}/{dataset}/{variant}/seed{seed}/adapter_model.safetensors",
        config="<results>/adapters/{model}/{dataset}/{variant}/seed{seed}/adapter_config.json",
        training="<results>/adapters/{model}/{dataset}/{variant}/seed{seed}/training.json",
    log:
        "<results>/logs/tune/{model}/{dataset}/{variant}/seed{seed}.log",
    benchmark:
        "<results>/benchmarks/tune/{model}/{dataset}/{variant}/seed{seed}.jsonl"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        gpu=demand("gpu"),
        mem_mb=demand("mem_mb"),
        runtime=demand("runtime"),
    params:
        code=code_digest("scripts/tune.py"),
        settings=lambda wildcards: flags(study.tuning(wildcards.model)),
        out=subpath(output.weights, parent=True),
    shell:
        """
        python scripts/tune.py --model {input.model} --variant {input.variant} --seed {wildcards.seed} \
            {params.settings} --threads {threads} --gpus {resources.gpu} --out {params.out} >{log} 2>&1
        """
