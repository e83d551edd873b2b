"""Responses: what each tuning answers to every prompt of every suite.

Needs: models/{model}/model.json, what the tuning left, <results>/prompts/.
Makes: <results>/responses/{model}/{tuning}.parquet.
"""


rule generate:
    """Answer all prompts with one model, untuned or as one tuning left it."""
    input:
        model="models/{model}/model.json",
        tuned=tuned_weights,
        prompts=prompts_of,
        template=named_file("models/{model}/test_template"),
    output:
        "<results>/responses/{model}/{tuning}.parquet",
    log:
        "<results>/logs/generate/{model}/{tuning}.log",
    benchmark:
        "<results>/benchmarks/generate/{model}/{tuning}.jsonl"
    priority: after_tuning
    conda:
        "../envs/torch.yaml"
    threads: demand("threads")
    resources:
        gpu=demand("gpu"),
        mem_mb=demand("mem_mb"),
        runtime=demand("runtime"),
    params:
        program=program("generate"),
        code=code_digest(program("generate")),
        content=content(named_file("models/{model}/test_template")),
        settings=lambda wildcards: flags(study.decoding(wildcards.model)),
        siblings=siblings,
    shell:
        """
        python {params.program:q} --model {input.model} --model-name {wildcards.model} --tuning {wildcards.tuning} \
            --tuned {input.tuned} --prompts {input.prompts} {params.settings} --threads {threads} \
            --siblings {params.siblings} --adapters \
            --responses --minutes {resources.runtime} \
            --store work/store --gpus {resources.gpu} --out {output} <results >/adapters/{wildcards.model} <results >/responses/{wildcards.model} >{log} 2>&1
        """
