"""Write the environments of `--sdm conda` from envs/requirements.txt and requirements-lm-eval.txt. Run by hand."""

import argparse
from pathlib import Path

import yaml

from tunedrift import files, paths
from tunedrift.jobs import cli

MODEL_STEPS = "# Only for steps that run models:"
"""The line of requirements.txt below which the packages are for model-running steps alone."""


def environments(requirements: str, lm_eval: str) -> dict[str, dict]:
    """Environment name → the conda environment, from the texts of requirements.txt and requirements-lm-eval.txt.

    `cpu` leaves the packages below `MODEL_STEPS` out, `torch` has them all, `lm_eval` those of the second file too.
    """
    common, models = requirements.split(MODEL_STEPS)
    pins = {"cpu": common, "torch": common + models, "lm_eval": common + models + lm_eval}
    return {
        name: {
            "channels": ["conda-forge", "nodefaults"],
            "dependencies": [
                "python=3.11",
                "pip",
                {"pip": [line for line in text.splitlines() if "==" in line]},
            ],
        }
        for name, text in pins.items()
    }


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--envs", type=Path, default=paths.HOME / "envs", help="folder of requirements.txt")
    return parser


def main(args: argparse.Namespace) -> None:
    """Read the pins, write the files."""
    texts = [(args.envs / f"requirements{of}.txt").read_text(encoding="utf-8") for of in ("", "-lm-eval")]
    for name, environment in environments(*texts).items():
        files.write_text(args.envs / f"{name}.yaml", yaml.safe_dump(environment, sort_keys=False))


if __name__ == "__main__":
    cli.run(main, parser())
