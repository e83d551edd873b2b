"""Figures: what people look at, as SVG for the paper and PNG for the screen.

Needs: <results>/tables/{drift,judges,agreement,forecasts,profiles}.parquet and the adapters' training.json.
Makes: <results>/figures/*.svg and *.png.
"""


rule draw_drift:
    """Draw the safety of every tuning, by part of the suites too, every effect and where instruments disagree."""
    input:
        "<results>/tables/drift.parquet",
    output:
        drift=report(
            "<results>/figures/drift.svg",
            caption="../resources/report/drift.rst",
            category="Picky LLMs",
            labels={"figure": "Safety of each tuning"},
        ),
        effects=report(
            "<results>/figures/effects.svg",
            caption="../resources/report/effects.rst",
            category="Picky LLMs",
            labels={"figure": "Effect of each level"},
        ),
        splits=report(
            "<results>/figures/splits.svg",
            caption="../resources/report/splits.rst",
            category="Picky LLMs",
            labels={"figure": "Drift by part of the suites"},
        ),
        disagreement=report(
            "<results>/figures/disagreement.svg",
            caption="../resources/report/disagreement.rst",
            category="Judges",
            labels={"figure": "Where the sign hangs on the instrument"},
        ),
        png=collect("<results>/figures/{figure}.png", figure=["drift", "effects", "splits", "disagreement"]),
    log:
        "<results>/logs/draw_drift.log",
    benchmark:
        "<results>/benchmarks/draw_drift.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("draw_drift"),
        code=code_digest(program("draw_drift")),
        primary_judge=study["primary_judge"],
        out=subpath(output.drift, parent=True),
    shell:
        """
        python {params.program:q} --drift {input} --primary-judge {params.primary_judge} --out {params.out} >{log} 2>&1
        """


rule draw_judges:
    """Draw what each judge is worth against every label set."""
    input:
        "<results>/tables/judges.parquet",
    output:
        svg=report(
            "<results>/figures/judges.svg",
            caption="../resources/report/judges.rst",
            category="Judges",
            labels={"figure": "What each judge is worth"},
        ),
        png="<results>/figures/judges.png",
    log:
        "<results>/logs/draw_judges.log",
    benchmark:
        "<results>/benchmarks/draw_judges.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("draw_judges"),
        code=code_digest(program("draw_judges")),
        settings=settings("statistics", "judge_floor"),
        out=subpath(output.svg, parent=True),
    shell:
        """
        python {params.program:q} --judges {input} {params.settings} --out {params.out} >{log} 2>&1
        """


rule draw_agreement:
    """Draw how reward models agree with one another, err on pairs, and forecast."""
    input:
        agreement="<results>/tables/agreement.parquet",
        forecasts="<results>/tables/forecasts.parquet",
    output:
        rm_agreement=report(
            "<results>/figures/rm_agreement.svg",
            caption="../resources/report/rm_agreement.rst",
            category="Unreliable RMs",
            labels={"figure": "Agreement between reward models"},
        ),
        rm_errors=report(
            "<results>/figures/rm_errors.svg",
            caption="../resources/report/rm_errors.rst",
            category="Unreliable RMs",
            labels={"figure": "Errors on pairs"},
        ),
        forecast=report(
            "<results>/figures/forecast.svg",
            caption="../resources/report/forecast.rst",
            category="Unreliable RMs",
            labels={"figure": "Forecasts"},
        ),
        png=collect("<results>/figures/{figure}.png", figure=["rm_agreement", "rm_errors", "forecast"]),
    log:
        "<results>/logs/draw_agreement.log",
    benchmark:
        "<results>/benchmarks/draw_agreement.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("draw_agreement"),
        code=code_digest(program("draw_agreement")),
        out=subpath(output.rm_errors, parent=True),
    shell:
        """
        python {params.program:q} --agreement {input.agreement} --forecasts {input.forecasts} \
            --out {params.out} >{log} 2>&1
        """


rule draw_variants:
    """Draw what each variant changed in the training data."""
    input:
        "<results>/tables/profiles.parquet",
    output:
        svg=report(
            "<results>/figures/variants.svg",
            caption="../resources/report/variants.rst",
            category="Picky LLMs",
            labels={"figure": "What each variant changed"},
        ),
        png="<results>/figures/variants.png",
    log:
        "<results>/logs/draw_variants.log",
    benchmark:
        "<results>/benchmarks/draw_variants.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("draw_variants"),
        code=code_digest(program("draw_variants")),
        order=list(study.trained_variants),
        out=subpath(output.svg, parent=True),
    shell:
        """
        python {params.program:q} --profiles {input} --order {params.order} --out {params.out} >{log} 2>&1
        """


rule draw_losses:
    """Draw the loss curve of every tuning."""
    input:
        collect(
            "<results>/adapters/{model}/{tuning}/training.json",
            model=study.studied,
            tuning=study.adapters(),
        ),
    output:
        svg=report(
            "<results>/figures/losses.svg",
            caption="../resources/report/losses.rst",
            category="Picky LLMs",
            labels={"figure": "Training loss"},
        ),
        png="<results>/figures/losses.png",
    log:
        "<results>/logs/draw_losses.log",
    benchmark:
        "<results>/benchmarks/draw_losses.jsonl"
    conda:
        "../envs/cpu.yaml"
    params:
        program=program("draw_losses"),
        code=code_digest(program("draw_losses")),
        tunings=collect("{model}/{tuning}", model=study.studied, tuning=study.adapters()),
        out=subpath(output.svg, parent=True),
    shell:
        """
        python {params.program:q} --training {input} --tunings {params.tunings} --out {params.out} >{log} 2>&1
        """
