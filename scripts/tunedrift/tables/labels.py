"""Labels: what people, or a simulation of them, say of a model's answer."""

import polars as pl

from tunedrift.tables.table import Table

LABELS_OF = {
    "refusal": ("refusal", "partial_refusal", "compliance"),
    "harm": ("safe", "unsafe"),
}
"""What a label set measures → its labels."""

FINAL = "final"
"""The annotator of the one label that a file gives an answer, or on which its annotators have settled."""

LABELS = Table(
    name="labels",
    columns={
        "label_set": pl.String,
        "answer_id": pl.String,
        "annotator": pl.String,
        "prompt_id": pl.String,  # digest of the prompt: the cluster of an answer
        "prompt": pl.String,
        "answer": pl.String,
        "model": pl.String,  # who answered
        "language": pl.String,
        "measure": pl.String,
        "label": pl.String,
        # Of a study's own answer, where the file says it: the prompt, tuning and sample as in the responses table.
        "study_prompt": pl.String,
        "tuning": pl.String,
        "sample": pl.Int64,
    },
    key=("label_set", "answer_id", "annotator"),
    nullable=frozenset({"model", "language", "study_prompt", "tuning", "sample"}),
    allowed={
        "measure": tuple(LABELS_OF),
        "label": tuple(label for labels in LABELS_OF.values() for label in labels),
    },
)
