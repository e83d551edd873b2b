"""Train an embedded base model from the toy world: tokenizer, chats and weights of a tiny chat model."""

import argparse
from dataclasses import asdict
from pathlib import Path

from tunedrift import paths
from tunedrift.jobs import cli, devices


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--world", default=paths.own("resources/world.yaml"), help="the toy world (default: %(default)s)"
    )
    parser.add_argument("--name", required=True, help="the model's name in the study")
    parser.add_argument("--seed", type=int, required=True, help="of the chats, the weights and the batches")
    parser.add_argument("--chats", type=int, default=17000, help="size of the corpus (default: %(default)s)")
    parser.add_argument(
        "--wordings",
        default="policy",
        help="which refusal wordings of the world to learn: policy (a chat model) or reward (the base of "
        "reward models, which then shares no wording with the answers it will score)",
    )
    devices.add_option(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    return parser


def main(arguments: argparse.Namespace) -> None:
    """Train and write the model, then describe it."""
    devices.lease(arguments.gpus)
    from tunedrift.embedded import chat_model, corpus, world
    from tunedrift.embedded.training import save, seed_everything
    from tunedrift.models import description

    toy = world.read_world(arguments.world)
    split = world.split_world(toy)
    chats = corpus.base_corpus(
        toy, split, seed=arguments.seed, chats=arguments.chats, wordings=arguments.wordings
    )
    recipe = chat_model.Recipe()
    seed_everything(arguments.seed)
    tokenizer = chat_model.train_tokenizer(chats, recipe.vocabulary)
    model = chat_model.new_model(tokenizer, recipe)
    rows = chat_model.encode_chats(tokenizer, chats, recipe.prompt_weight)
    training = chat_model.train_base(model, rows, recipe, arguments.seed)
    training |= {
        "chats": len(chats),
        "seed": arguments.seed,
        "wordings": arguments.wordings,
        "recipe": asdict(recipe),
    }
    save(model, tokenizer, training, arguments.out)
    description.write_description(
        arguments.out, arguments.out / "model.json", name=arguments.name, kind="embedded", location="."
    )


if __name__ == "__main__":
    cli.run(main, parser())
