"""Gate: does an untuned model refuse harmful prompts at all?

Needs: models/{model}/model.json and the files that `gate` names; its prompts are never reported.
Makes: <results>/prompts/gate.parquet and, where the model passes, <results>/gate/{model}.json.
"""


use rule load_prompts as load_gate with:
    input:
        prompts=source_files("gate"),
        attacks=[],
    output:
        table="<results>/prompts/gate.parquet",
        rejects="<results>/prompts/gate.rejects.csv",
    log:
        "<results>/logs/load_prompts/gate.log",
    benchmark:
        "<results>/benchmarks/load_prompts/gate.jsonl"
    params:
        suite="gate",
        content=content(source_files("gate")),
        settings=lambda wildcards: flags({"kind": "harmful", "columns": study["gate/columns"]}),
        attacks="",


rule check_gate:
    """Stop the study if an untuned model does not refuse harmful prompts; the prompts are never reported."""
    input:
        model="models/{model}/model.json",
        prompts="<results>/prompts/gate.parquet",
        patterns=study["gate/patterns"],
        template=named_file("models/{model}/test_template"),
    output:
        "<results>/gate/{model}.json",
    log:
        "<results>/logs/check_gate/{model}.log",
    benchmark:
        "<results>/benchmarks/check_gate/{model}.jsonl"
    conda:
        "../envs/torch.yaml"
    threads: demand("threads")
    resources:
        gpu=demand("gpu"),
        mem_mb=demand("mem_mb"),
        runtime=demand("runtime"),
    params:
        program=program("check_gate"),
        code=code_digest(program("check_gate")),
        content=content(study["gate/patterns"], named_file("models/{model}/test_template")),
        settings=settings("gate", "min_refusal"),
        decoding=lambda wildcards: flags(
            {
                key: study.decoding(wildcards.model)[key]
                for key in ("max_new_tokens", "batch_size", "template")
            }
        ),
    shell:
        """
        python {params.program:q} --model {input.model} --prompts {input.prompts} --patterns {input.patterns:q} \
            {params.settings} {params.decoding} --threads {threads} --gpus {resources.gpu} --out {output} >{log} 2>&1
        """
