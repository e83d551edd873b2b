"""Rewards: each reward model's score of training data, of answers, and of preference pairs.

Needs: models/{rm}/model.json; variants, responses and prompts, or preferences.
Makes: <results>/rewards/{rm}/{variants/{dataset},responses/{model},preferences/{preference_set}}.parquet.
"""


rule score_preferences:
    """Score both answers of every preference pair."""
    input:
        rm="models/{rm}/model.json",
        texts="<results>/preferences/{preference_set}.parquet",
        prompts=[],
    output:
        "<results>/rewards/{rm}/preferences/{preference_set}.parquet",
    log:
        "<results>/logs/score/{rm}/preferences/{preference_set}.log",
    benchmark:
        "<results>/benchmarks/score/{rm}/preferences/{preference_set}.jsonl"
    conda:
        "../envs/torch.yaml"
    threads: demand("threads")
    resources:
        gpu=demand("gpu"),
        mem_mb=demand("mem_mb"),
        runtime=demand("runtime"),
    params:
        program=program("score"),
        code=lambda wildcards: Kinds(
            program("score"), "rewards", study["reward_models"][wildcards.rm]["by"]
        ).digest,
        settings=settings("reward_models/{rm}", "by", "sign", "max_length", "batch_size"),
        subject="preferences/{preference_set}",
    shell:
        """
        python {params.program:q} --rm {wildcards.rm} --model {input.rm} --subject {params.subject} \
            --texts {input.texts} --prompts {input.prompts} {params.settings} --threads {threads} \
            --store work/store --gpus {resources.gpu} --out {output} >{log} 2>&1
        """


use rule score_preferences as score_variants with:
    input:
        rm="models/{rm}/model.json",
        texts=collect("<results>/variants/{{dataset}}/{variant}.parquet", variant=study.trained_variants),
        prompts=[],
    output:
        "<results>/rewards/{rm}/variants/{dataset}.parquet",
    log:
        "<results>/logs/score/{rm}/variants/{dataset}.log",
    benchmark:
        "<results>/benchmarks/score/{rm}/variants/{dataset}.jsonl"
    params:
        subject="variants/{dataset}",


use rule score_preferences as score_responses with:
    input:
        rm="models/{rm}/model.json",
        texts=collect("<results>/responses/{{model}}/{tuning}.parquet", tuning=study.tunings()),
        prompts=collect("<results>/prompts/{suite}.parquet", suite=study["suites"]),
    output:
        "<results>/rewards/{rm}/responses/{model}.parquet",
    log:
        "<results>/logs/score/{rm}/responses/{model}.log",
    benchmark:
        "<results>/benchmarks/score/{rm}/responses/{model}.jsonl"
    params:
        subject="responses/{model}",
