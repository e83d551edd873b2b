"""Run tasks of the lm-evaluation-harness on one model, untuned or as one tuning left it; keep its command and version."""

import argparse
from pathlib import Path

from tunedrift.jobs import cli, devices


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    cli.add_tuned_model(parser)
    parser.add_argument("--tasks", nargs="+", required=True, help="names, as `lm_eval ls tasks` lists them")
    parser.add_argument("--limit", type=float, help="questions per task, or a share of them below 1")
    parser.add_argument(
        "--num-fewshot", type=int, help="worked examples before a question; the task's own if left out"
    )
    parser.add_argument("--batch-size", type=int, default=8, help="questions side by side")
    parser.add_argument("--apply-chat-template", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--seed", type=int, default=0, help="of the harness' draws")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    devices.add_option(parser)
    parser.add_argument("--out", type=Path, required=True, help="JSON of results to write")
    return parser


def main(args: argparse.Namespace) -> None:
    """Call the harness in a folder of its own, and keep what is the same in a second run."""
    devices.lease(args.gpus)
    import importlib.util
    import os
    import subprocess
    import sys
    import tempfile

    from tunedrift import files
    from tunedrift.design.tunings import parse_tuning
    from tunedrift.errors import UserError
    from tunedrift.models import description, loading, placement
    from tunedrift.responses import harness
    from tunedrift.reuse.versions import MODEL_LIBRARIES, versions

    if importlib.util.find_spec("lm_eval") is None:
        raise UserError(
            "the lm-evaluation-harness is not installed: pip install -r envs/requirements-lm-eval.txt, or take lm_eval out "
            "of the study."
        )
    source = description.source(args.model)
    adapter = args.tuned if args.tuned and args.tuned.name.startswith("adapter") else None
    whole = args.tuned if args.tuned and not adapter else None
    pretrained = str(whole.parent if whole else source["pretrained_model_name_or_path"])
    model = {"pretrained": pretrained}
    if source.get("revision") and not whole:
        model["revision"] = source["revision"]
    if source["trust_remote_code"]:
        model["trust_remote_code"] = "True"
    with tempfile.TemporaryDirectory() as work:
        loading.load_tokenizer(args.model).save_pretrained(f"{work}/tokenizer")  # with the study's template
        words = harness.command(
            sys.executable,
            model=model,
            tokenizer=f"{work}/tokenizer",
            adapter=adapter and str(adapter.parent),
            precision=loading.precision(args.model),
            device=placement.device(),
            tasks=args.tasks,
            limit=args.limit,
            num_fewshot=args.num_fewshot,
            batch_size=args.batch_size,
            apply_chat_template=args.apply_chat_template,
            seed=args.seed,
            out=f"{work}/results.json",
        )
        environment = {name: value for name, value in os.environ.items() if name != "HF_ALLOW_CODE_EVAL"}
        environment["OMP_NUM_THREADS"] = str(args.threads)
        ended = subprocess.run(words, env=environment, check=False).returncode
        written = sorted(Path(work).glob("results_*.json"))
        if ended or not written:
            raise UserError(
                f"the lm-evaluation-harness ended with status {ended} and {'no' if not written else 'its'} results: read its "
                "words above, and take its tasks' names from `lm_eval ls tasks`."
            )
        found = harness.kept(files.read_json(written[-1]))
    files.write_json(
        args.out,
        {
            "model": args.model_name,
            **parse_tuning(args.tuning).columns,
            "command": [word.replace(work, "WORK") for word in ["python", *words[1:]]],
            "versions": versions("lm_eval", *MODEL_LIBRARIES),
            "harness": found,
        },
    )
    print(f"{len(list(harness.rows(found)))} numbers of {len(args.tasks)} tasks")


if __name__ == "__main__":
    cli.run(main, parser())
