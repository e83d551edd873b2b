"""Models: trained from our own resources, or found on disk or on the hub, and described in model.json.

Needs: resources/world.yaml for embedded models; a folder or a hub id for the others.
Makes: models/{model}/model.json, shared by all studies.
"""


rule pretrain:
    """Train a tiny embedded chat model that answers, and that refuses harmful requests."""
    input:
        world=named_file("models/{model}/world"),
    output:
        description="models/{model}/model.json",
        weights="models/{model}/model.safetensors",
        config="models/{model}/config.json",
        generation="models/{model}/generation_config.json",
        tokenizer="models/{model}/tokenizer.json",
        tokenizer_config="models/{model}/tokenizer_config.json",
        template="models/{model}/chat_template.jinja",
        training="models/{model}/training.json",
    log:
        "models/{model}/pretrain.log",
    benchmark:
        "models/{model}/pretrain.jsonl"
    wildcard_constraints:
        model=one_of(study.names("models", kind="embedded")),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        gpu=demand("gpu"),
        mem_mb=demand("mem_mb"),
        runtime=demand("runtime"),
    params:
        program=program("pretrain"),
        code=code_digest(program("pretrain")),
        content=content(named_file("models/{model}/world")),
        settings=settings("models/{model}", "seed", "chats", "wordings"),
        out=subpath(output.weights, parent=True),
    shell:
        """
        python {params.program:q} --world {input.world:q} --name {wildcards.model} {params.settings} \
            --gpus {resources.gpu} --out {params.out} >{log} 2>&1
        """


rule pretrain_reward:
    """Train a tiny embedded reward model from an embedded chat model of another seed."""
    input:
        world=named_file("reward_models/{rm}/world"),
        base=lambda wildcards: f"models/{study[f'reward_models/{wildcards.rm}/base']}/model.json",
    output:
        description="models/{rm}/model.json",
        weights="models/{rm}/model.safetensors",
        config="models/{rm}/config.json",
        tokenizer="models/{rm}/tokenizer.json",
        tokenizer_config="models/{rm}/tokenizer_config.json",
        template="models/{rm}/chat_template.jinja",
        training="models/{rm}/training.json",
    log:
        "models/{rm}/pretrain_reward.log",
    benchmark:
        "models/{rm}/pretrain_reward.jsonl"
    wildcard_constraints:
        rm=one_of(study.names("reward_models", kind="embedded")),
    conda:
        "../envs/torch.yaml"
    threads: 1
    resources:
        gpu=demand("gpu"),
        mem_mb=demand("mem_mb"),
        runtime=demand("runtime"),
    params:
        program=program("pretrain_reward"),
        code=code_digest(program("pretrain_reward")),
        content=content(named_file("reward_models/{rm}/world")),
        settings=settings("reward_models/{rm}", "bias", "seed", "pairs"),
        out=subpath(output.weights, parent=True),
    shell:
        """
        python {params.program:q} --world {input.world:q} --base {input.base} --name {wildcards.rm} \
            {params.settings} --gpus {resources.gpu} --out {params.out} >{log} 2>&1
        """


rule resolve:
    """Find a local or hub model once and describe it; hub models are downloaded here, before anything is tuned.

    A file of a local model is read again only where its size, times or inode changed: a look at a folder that did
    not change costs no reading.
    """
    input:
        template_of,
        folder_files,
    output:
        "models/{name}/model.json",
    log:
        "models/{name}/resolve.log",
    wildcard_constraints:
        name=one_of(
            name
            for section in ("models", "reward_models")
            for kind in ("local", "hub")
            for name in study.names(section, kind=kind)
        ),
    conda:
        "../envs/torch.yaml"
    params:
        program=program("resolve"),
        code=code_digest(program("resolve")),
        content=content(template_of),
        folder=folder_content,
        source=lambda wildcards: flags(study.source(wildcards.name)),
    shell:
        "python {params.program:q} --name {wildcards.name} {params.source} --out {output} > {log} 2>&1"
