"""Responses: what each tuning answers to every prompt of every suite.

Needs: models/{model}/model.json, the adapter of a tuned model, <results>/prompts/.
Makes: <results>/responses/{model}/{tuning}.parquet.
"""


rule generate:
    """Answer all prompts with one model, untuned or under one adapter."""
    input:
        model="models/{model}/model.json",
        adapter=adapter_of,
        prompts=prompts_of,
    output:
        "<results>/responses/{model}/{tuning}.parquet",
    log:
        "<results>/logs/generate/{model}/{tuning}.log",
    benchmark:
        "<results>/benchmarks/generate/{model}/{tuning}.jsonl"
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        gpu=demand("gpu"),
        mem_mb=demand("mem_mb"),
        runtime=demand("runtime"),
    params:
        code=code_digest("scripts/generate.py"),
        settings=settings("decoding"),
    shell:
        """
        python scripts/generate.py --model {input.model} --model-name {wildcards.model} --tuning {wildcards.tuning} \
            --adapter {input.adapter} --prompts {input.prompts} {params.settings} --threads {threads} \
            --store work/store --gpus {resources.gpu} --out {output} >{log} 2>&1
        """
