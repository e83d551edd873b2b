"""Train an embedded reward model from an embedded base, on pairs of answers that one bias has labelled."""

import argparse
from pathlib import Path

from tunedrift import paths
from tunedrift.jobs import cli, devices


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--world", default=paths.own("resources/world.yaml"), help="the toy world (default: %(default)s)"
    )
    parser.add_argument("--base", type=Path, required=True, help="model.json of the embedded base model")
    parser.add_argument("--name", required=True, help="the reward model's name in the study")
    parser.add_argument("--bias", required=True, help="a bias of the world: safe, style or noisy")
    parser.add_argument("--seed", type=int, required=True, help="of the pairs, the head and the batches")
    parser.add_argument("--pairs", type=int, default=1000, help="training pairs (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=2, help="passes over the pairs (default: %(default)s)")
    devices.add_option(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of the reward model")
    return parser


def main(arguments: argparse.Namespace) -> None:
    """Train and write the reward model, then describe it."""
    devices.lease(arguments.gpus)
    from tunedrift.embedded import corpus, reward_model, world
    from tunedrift.embedded.training import save, seed_everything
    from tunedrift.models import description

    toy = world.read_world(arguments.world)
    split = world.split_world(toy)
    pairs = corpus.reward_pairs(toy, split, seed=arguments.seed, pairs=arguments.pairs, bias=arguments.bias)
    seed_everything(arguments.seed)
    base = Path(description.source(arguments.base)["pretrained_model_name_or_path"])
    model, tokenizer, training = reward_model.train_reward(
        base, pairs, seed=arguments.seed, epochs=arguments.epochs
    )
    training |= {
        "pairs": len(pairs),
        "epochs": arguments.epochs,
        "seed": arguments.seed,
        "bias": arguments.bias,
    }
    save(model, tokenizer, training, arguments.out)
    description.write_description(
        arguments.out, arguments.out / "model.json", name=arguments.name, kind="embedded", location="."
    )


if __name__ == "__main__":
    cli.run(main, parser())
