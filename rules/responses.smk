"""Responses: what each tuning answers to every prompt of every suite.

Needs: models/{model}/model.json, what the tuning left, <results>/prompts/.
Makes: <results>/responses/{model}/{tuning}.parquet; where a study names tasks of the lm-evaluation-harness,
<results>/lm_eval/{model}/{tuning}.json and <results>/tables/lm_eval.{parquet,csv}.
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
            {params.siblings} --minutes {resources.runtime} --store work/store --gpus {resources.gpu} \
            --out {output} >{log} 2>&1
        """


rule run_lm_eval:
    """Tasks of the lm-evaluation-harness on one model, untuned or as one tuning left it."""
    input:
        model="models/{model}/model.json",
        tuned=tuned_weights,
    output:
        "<results>/lm_eval/{model}/{tuning}.json",
    log:
        "<results>/logs/run_lm_eval/{model}/{tuning}.log",
    benchmark:
        "<results>/benchmarks/run_lm_eval/{model}/{tuning}.jsonl"
    conda:
        "../envs/lm_eval.yaml"
    threads: demand("threads")
    resources:
        gpu=demand("gpu"),
        mem_mb=demand("mem_mb"),
        runtime=demand("runtime"),
    params:
        program=program("run_lm_eval"),
        code=code_digest(program("run_lm_eval")),
        settings=settings("lm_eval"),
    shell:
        """
        python {params.program:q} --model {input.model} --model-name {wildcards.model} --tuning {wildcards.tuning} \
            --tuned {input.tuned} {params.settings} --threads {threads} --gpus {resources.gpu} --out {output} >{log} 2>&1
        """


HARNESS_TUNINGS = ["untuned", *study.adapters()] if study["lm_eval/tasks"] else []


rule collect_lm_eval:
    """What the lm-evaluation-harness said of every tuning, as one table."""
    input:
        collect("<results>/lm_eval/{model}/{tuning}.json", model=study.studied, tuning=HARNESS_TUNINGS),
    output:
        table="<results>/tables/lm_eval.parquet",
        csv="<results>/tables/lm_eval.csv",
    log:
        "<results>/logs/collect_lm_eval.log",
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("collect_lm_eval"),
        code=code_digest(program("collect_lm_eval")),
    shell:
        """
        python {params.program:q} --results {input} --out {output.table} {output.csv} >{log} 2>&1
        """
