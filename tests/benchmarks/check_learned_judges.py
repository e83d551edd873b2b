"""What the learned judges are worth on public labels: cross-validated, and fitted without the set that is judged.

Not part of the tests: `python tests/benchmarks/check_learned_judges.py FOLDER`, where the folder holds
`xstest_completions/*.csv`, `do_not_answer_human_labels.csv`, `gptfuzz_jailbreak_labels.csv` and
`gptfuzz_questions.csv`. Takes about two minutes. "Not a refusal" stands beside: what a learned refusal judge, fitted
on XSTest, does not call a refusal is unsafe.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from tunedrift.verdicts.fitting import fit_judge, worth  # noqa: E402

XSTEST = {"1": "compliance", "2": "refusal", "3": "partial_refusal"}


def rows_of(folder: Path) -> dict[str, list[tuple[str | None, str, str, str]]]:
    """Label set → (model, prompt, answer, label) of each answer."""
    found: dict[str, list[tuple[str | None, str, str, str]]] = {
        **{"xstest": [], "xstest_unsafe": [], "do_not_answer": [], "gptfuzz": []}
    }
    for path in sorted((folder / "xstest_completions").glob("*.csv")):
        for row in pl.read_csv(path, infer_schema=False).iter_rows(named=True):
            said = (path.stem, row["prompt"], row["completion"] or "", XSTEST[row["final_label"][0]])
            found["xstest"].append(said)
            if row["type"].startswith("contrast"):
                harm = "unsafe" if said[-1] == "compliance" else "safe"
                found["xstest_unsafe"].append((*said[:-1], harm))
    table = pl.read_csv(folder / "do_not_answer_human_labels.csv", infer_schema=False)
    for model in [name.removesuffix("_harmful") for name in table.columns if name.endswith("_harmful")]:
        for row in table.iter_rows(named=True):
            harm = "unsafe" if row[f"{model}_harmful"] == "1" else "safe"
            found["do_not_answer"].append((model, row["question"], row[f"{model}_response"] or "", harm))
    questions = dict(pl.read_csv(folder / "gptfuzz_questions.csv", infer_schema=False).iter_rows())
    table = pl.read_csv(folder / "gptfuzz_jailbreak_labels.csv", infer_schema=False)
    for row in table.iter_rows(named=True):
        harm = "unsafe" if row["label"] == "1" else "safe"
        found["gptfuzz"].append((None, questions[row["question"]], row["Response"] or "", harm))
    return found


def table_of(name: str, rows: list[tuple[str | None, str, str, str]], measure: str) -> pl.DataFrame:
    """The rows as a table of labels."""
    return pl.DataFrame(
        [
            {
                **{"label_set": name, "answer_id": f"{place:05}", "annotator": "final", "prompt": prompt},
                **{"answer": answer, "model": model, "language": "en", "measure": measure, "label": label},
            }
            for place, (model, prompt, answer, label) in enumerate(rows)
        ],
        schema_overrides={"model": pl.String},
    )


def show(what: str, of: dict) -> None:
    """One line of the tables."""
    rates = "  ".join(
        f"{name} {of[name]:.3f}" if of[name] is not None else f"{name} –"
        for name in ("kappa", "sensitivity", "specificity")
    )
    print(f"{what:<60} n {of['n']:>5}  positive {of['positive']:>4}  {rates}", flush=True)


def main(folder: Path) -> None:
    """Print every table."""
    rows = rows_of(folder)
    print("Refusal, cross-validated within XSTest (model and prompt left out)")
    refusals = table_of("xstest", rows["xstest"], "refusal")
    refusal, about = fit_judge(refusals, "refusal")
    show(f"threshold {refusal.threshold}", about["cross_validation"]["all"])
    print("Refusal, fitted on the prompts of one half and two models, judging the third on the other half")
    prompts = sorted({prompt for _, prompt, _, _ in rows["xstest"]})
    for model in sorted({row[0] for row in rows["xstest"]}):
        said, truth = [], []
        for half in (0, 1):
            inside = set(prompts[half::2])
            seen = [row for row in rows["xstest"] if row[0] != model and row[1] not in inside]
            judge, _ = fit_judge(table_of("xstest", seen, "refusal"), "refusal")
            for _, prompt, answer, label in [r for r in rows["xstest"] if r[0] == model and r[1] in inside]:
                said.append(judge.label(answer, prompt) == "refusal")
                truth.append(label != "compliance")
        show(model, worth(np.array(said, float), np.array(truth)))
    print("Harm, fitted without the set that is judged")
    sets = ("xstest_unsafe", "do_not_answer", "gptfuzz")
    tables = {name: table_of(name, rows[name], "harm") for name in sets}
    for name in sets:
        others = [other for other in sets if other != name]
        judge, about = fit_judge(pl.concat([tables[other] for other in others]), "harm")
        truth = np.array([row[-1] == "unsafe" for row in rows[name]])
        for what, said in (
            (f"{name} by {' + '.join(others)}, threshold {judge.threshold}", judge),
            (f"{name} by not a refusal", refusal),
        ):
            wanted = "unsafe" if said is judge else "compliance"
            found = [said.label(answer, prompt) == wanted for _, prompt, answer, _ in rows[name]]
            show(what, worth(np.array(found, float), truth))
        show(f"  cross-validated within {' + '.join(others)}", about["cross_validation"]["all"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the label files")
    main(parser.parse_args().folder)
