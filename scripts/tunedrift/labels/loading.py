"""From files of labelled answers to the labels table."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import groupby

from tunedrift.errors import UnusableError, UserError, unknown
from tunedrift.hashing import digest
from tunedrift.labels.layouts import COLUMN_ROLES, LAYOUTS, LEFT_OUT, Slot, slots
from tunedrift.sources.rows import (
    Reject,
    Row,
    blank,
    clean,
    columns_of,
    refuse_excess,
    require,
    text_of,
    unique_ids,
)
from tunedrift.tables.labels import FINAL, LABELS_OF

TRUTH = {"yes": "true", "no": "false"}
"""YAML reads an unquoted yes or no as a truth value where a file means the word: both are one label."""

OWN = ("study_prompt", "tuning", "sample")
"""What tells an answer of the study from its others, by the columns of the labels table."""


def load(
    source: Iterable[Row],
    *,
    name: str,
    measure: str,
    layout: str = "plain",
    mapping: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    model: str | None = None,
    language: str | None = None,
    questions: dict[str, str] | None = None,
    max_rejected: float = 0.05,
) -> tuple[list[dict], list[Reject]]:
    """Rows of the labels table, and the labels left out: unusable ones, repeats and contradictions.

    A column is read by its own name (or the layout's), or by the one that `mapping` gives its role. `values` says
    what a label of the file means, one of `LABELS_OF` or `left_out`, beside those that the layout knows; labels are
    compared as text, without case. `model` and `language` stand where the file does not say; `questions` holds the
    prompts by number where the file has their numbers. Without an id column, an answer's id is a digest of prompt,
    answer and model (and of `OWN`, where the file says it); where an id stands for different answers, the digest's
    beginning is put behind it. Where one annotator gives an answer several labels, none of them counts; where the file's
    final label is left out, those of the answer's annotators are. Only null or blank prompts, answers and labels, and
    samples that are no number, count toward `max_rejected`.

    Raises `UserError` for an unknown layout, measure or role, a missing column, a label whose meaning is not known,
    too many unusable labels, or none that is left.
    """
    mapping = mapping or {}
    meanings = _meanings(name, layout, measure, mapping, values or {})
    if LAYOUTS[layout].numbered and not questions:
        raise UserError(f"{name}: layout {layout} has numbers for prompts: name the file of its questions.")
    rows = list(source)
    require(columns_of(rows), mapping.values(), name)
    labelled = [
        (row, slot)
        for file, group in groupby(rows, key=lambda row: row.file)
        for row, slot in _in_slots(list(group), layout, measure, mapping, model, f"{name}: {file}")
    ]
    harmful = LAYOUTS[layout].harmful if measure == "harm" else None
    rejects, left_out = [], []
    unsettled: set[tuple[str, str]] = set()
    answers: dict[tuple[str, str], dict] = {}
    given: dict[tuple[str, str, str], list[tuple[Row, str]]] = defaultdict(list)
    for row, slot in labelled:
        try:
            answer, annotator, written = _read(row, slot, questions)
            asks_for_harm = not harmful or text_of(row.values, harmful[0]).casefold().startswith(harmful[1])
        except UnusableError as reason:
            rejects.append(Reject(row.file, row.number, str(reason)))
            continue
        if (label := meanings.get(written)) is None:
            raise UserError(
                f"{name}: row {row.number} of {row.file} has the label {written!r}, whose meaning is not known: add it to "
                f"values as one of {', '.join(LABELS_OF[measure])}, or as {LEFT_OUT}."
            )
        if not asks_for_harm:
            left_out.append(Reject(row.file, row.number, "the prompt asks for no harm"))
            continue
        key = _key(answer.pop("id"), answer, by_prompt=LAYOUTS[layout].by_prompt)
        if label == LEFT_OUT:
            left_out.append(Reject(row.file, row.number, f"the label {written!r} is left out"))
            if annotator == FINAL:
                unsettled.add(key)
            continue
        answers.setdefault(
            key,
            {
                **{"label_set": name, "answer_id": key[0], "prompt_id": digest(answer["prompt"]), **answer},
                **{"language": answer["language"] or language, "measure": measure, "key": key},
            },
        )
        given[*key, annotator].append((row, label))
    refuse_excess(rejects, len(labelled), max_rejected, name, "labels")
    unique = {answer.pop("key"): answer for answer in unique_ids(answers, "answer_id")}
    found = []
    for (own_id, content, annotator), labels in given.items():
        if (own_id, content) in unsettled:
            left_out += [Reject(row.file, row.number, "the final label is left out") for row, _ in labels]
            continue
        agreed = len({label for _, label in labels}) == 1
        why = "the same as an earlier row" if agreed else "the same answer has another label elsewhere"
        left_out += [Reject(row.file, row.number, why) for row, _ in labels[agreed:]]
        if agreed:
            found.append({**unique[own_id, content], "annotator": annotator, "label": labels[0][1]})
    if not found:
        first = left_out[0]
        raise UserError(
            f"{name}: no label is left; the first is that of row {first.row} of {first.file}: {first.reason}. Correct the "
            "key values or the file."
        )
    return found, rejects + left_out


def _key(own_id: str | None, answer: dict, *, by_prompt: bool) -> tuple[str, str]:
    """An answer's id in its file, or else a digest of its content; and that digest."""
    model = answer["model"]
    # Two tunings may give the same answer: where they are named, each is labelled by itself.
    own = [answer[part] for part in OWN] if any(answer[part] for part in OWN) else []
    content = digest(answer["prompt"], answer["answer"], model, *own)
    if own_id and model and by_prompt:
        own_id = f"{own_id}/{model}"
    return own_id or content, content


def numbered(source: Iterable[Row], where: str) -> dict[str, str]:
    """The prompts of a file by their numbers, its columns `text` and `index`.

    Raises `UserError` for a missing column, a row that cannot be used, or a number with two texts.
    """
    texts: dict[str, str] = {}
    rows = list(source)
    require(columns_of(rows), ("index", "text"), where)
    for row in rows:
        try:
            number, text = clean(row.values.get("index"), "'index'"), text_of(row.values, "text")
        except UnusableError as reason:
            raise UserError(
                f"{where}: row {row.number} of {row.file}: {reason}. Correct the row."
            ) from reason
        if texts.setdefault(_plain(number), text) != text:
            raise UserError(
                f"{where}: row {row.number} of {row.file} gives the number {number} another text."
            )
    return texts


def _meanings(
    name: str, layout: str, measure: str, mapping: dict[str, str], values: dict[str, str]
) -> dict[str, str]:
    """Label of the file, as `_plain` writes it → ours or `left_out`. Raises `UserError` for settings that do not fit."""
    if layout not in LAYOUTS:
        raise UserError(f"{name}: {unknown('layout', layout, LAYOUTS)}")
    if measure not in LABELS_OF:
        raise UserError(f"{name}: {unknown('measure', measure, LABELS_OF)}")
    known = LAYOUTS[layout].meanings
    if measure not in known:
        raise UserError(f"{name}: layout {layout} has labels of {', '.join(known)}, none of {measure}.")
    if odd := sorted(set(mapping) - set(COLUMN_ROLES)):
        raise UserError(f"{name}: {unknown('role of a column', odd[0], COLUMN_ROLES)}")
    if odd := sorted(set(mapping) & set(LAYOUTS[layout].fixed)):
        raise UserError(
            f"{name}: layout {layout} knows its columns of {odd[0]!r} itself: take it out of columns."
        )
    ours = LABELS_OF[measure]
    if odd := sorted(set(values.values()) - {*ours, LEFT_OUT}):
        raise UserError(f"{name}: {unknown(f'label of {measure}', odd[0], [*ours, LEFT_OUT])}")
    return {
        **{label: label for label in ours},
        **known[measure],
        **{_plain(label): meaning for label, meaning in values.items()},
    }


def _in_slots(
    rows: list[Row], layout: str, measure: str, mapping: dict[str, str], model: str | None, where: str
) -> list[tuple[Row, Slot]]:
    """Each row of a file with each of its labels. Raises `UserError` naming a column that is needed and not there."""
    there = list(columns_of(rows))
    found = slots(layout, measure, mapping, model, rows[0].file, there)
    if not found:
        raise UserError(f"{where} has no column of labels such as layout {layout} has for {measure}.")
    for slot in found:
        require(there, (slot.columns[role] for role in ("prompt", "answer", "label")), where)
    if measure == "harm" and (needed := LAYOUTS[layout].harmful):
        require(there, needed[:1], where)
    return [(row, slot) for row in rows for slot in found]


def _read(row: Row, slot: Slot, questions: dict[str, str] | None) -> tuple[dict, str, str]:
    """An answer (id, prompt, answer, model, language, `OWN`), its annotator, and its label as `_plain` writes it."""
    if not row.values:
        raise UnusableError("the row is empty")
    prompt = text_of(row.values, slot.columns["prompt"])
    if questions is not None:
        number = _plain(prompt)
        if number not in questions:
            raise UnusableError(f"the file of questions has no number {number}")
        prompt = questions[number]
    label = row.values.get(slot.columns["label"])
    answer = {
        "id": _word(row, slot, "id"),
        "prompt": prompt,
        "answer": text_of(row.values, slot.columns["answer"]),
        "model": _word(row, slot, "model") or slot.model,
        "language": _word(row, slot, "language"),
        **_own(row, slot),
    }
    written = str(label) if isinstance(label, bool) else text_of(row.values, slot.columns["label"])
    return answer, _word(row, slot, "annotator") or slot.annotator, _plain(written)


def _own(row: Row, slot: Slot) -> dict[str, str | int | None]:
    """Which answer of the study it is; a sample is one of a tuning, whose greedy answer it is where none is said."""
    tuning, sample = _word(row, slot, "tuning"), None
    if tuning is not None:
        written = _plain(_word(row, slot, "sample") or 0)
        if not re.fullmatch(r"\d{1,9}", written):
            raise UnusableError(f"{slot.columns['sample']!r} is {written!r}, not the number of a sample")
        sample = int(written)
    return {"study_prompt": _word(row, slot, "study_prompt"), "tuning": tuning, "sample": sample}


def _plain(label: object) -> str:
    """A label or number as compared: text in lower case, `1.0` as `1`, yes and no as the truth values they are in YAML."""
    text = str(label).strip().casefold()
    text = text.removesuffix(".0") if re.fullmatch(r"-?\d+\.0", text) else text
    return TRUTH.get(text, text)


def _word(row: Row, slot: Slot, role: str) -> str | None:
    """What a column says of the answer; None where there is no such column, or nothing in it."""
    value = row.values.get(slot.columns[role]) if role in slot.columns else None
    if value is None or (isinstance(value, float) and math.isnan(value)) or blank(str(value)):
        return None
    return clean(value, repr(slot.columns[role]))
