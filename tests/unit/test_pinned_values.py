"""Row ids, draws, orders and seeds hang on these functions: a value that moves makes every study compute anew.

`pinned_values.json` holds ten values of each, written down before the library was cut into rooms.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from tunedrift.adapters.batches import Example, Order
from tunedrift.agreement.forecast import VariantOrder
from tunedrift.embedded.chat_model import batches
from tunedrift.embedded.world import random_source
from tunedrift.files import sha256
from tunedrift.hashing import digest, draw, fraction, sample, stable_seed
from tunedrift.hashing import text_key as key
from tunedrift.instructions.loading import hold_out
from tunedrift.models.description import tuned_digest
from tunedrift.responses.sampling import GumbelNoise, row_generator
from tunedrift.statistics.bootstrap import Bootstrap, resampling_counts
from tunedrift.statistics.ranking import order_by_hash
from tunedrift.statistics.relabelling import relabelled_p
from tunedrift.variants.safety_mix import mix

PINNED = json.loads(Path(__file__).with_name("pinned_values.json").read_text(encoding="utf-8"))
NUMBERS = range(10)
CHAT = [{"role": "user", "content": "Wie säe ich Möhren? 🌱"}, {"role": "assistant", "content": "In a row."}]
ROWS = [f"row{number}" for number in range(12)]
FORECAST_POINTS = [
    {"variant": f"v{one:02}", "other": f"v{other:02}", "reward_difference": other - 1.5 * one}
    | {"safety_difference": 2.0 * one - other}
    for one in range(9)
    for other in range(one + 1, 9)
]


def tuning_order(number):
    examples = [Example(row, [1], [1], 7 * at % 5) for at, row in enumerate(ROWS)]
    order = Order(examples, 2 + number % 3, number, grouped=bool(number % 2))
    order.set_epoch(number // 2)
    return [row for batch in order for row in batch]


def tuned(folder, number):
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        (folder / name).write_text(f"{name} {number}")
    return tuned_digest(folder / "adapter_model.safetensors")


def named_files(folder, number):
    paths = [folder / name for name in ("b.bin", "a.bin")]
    for path in paths:
        path.write_bytes(bytes([number]) * (number + 1))
    return sha256(*paths)


def held_out(number):
    rows = [{"row_id": row, "messages": [{"role": "user", "content": row[:4]}, CHAT[1]]} for row in ROWS]
    return [row["row_id"] for row in hold_out(rows, 3, number, "set")[1]]


def gumbel(number):
    import torch

    noise = GumbelNoise([row_generator(f"{number}/1/text", torch.device("cpu"))], 0.7)
    return int(noise(torch.zeros(1, 1), torch.linspace(0, 3, 50)[None]).argmax())


def forecast_order(number):
    import polars as pl

    order = VariantOrder(pl.DataFrame(FORECAST_POINTS[number:]))
    return relabelled_p([order.variants], [order.reward], [order.safety], number)


FUNCTIONS = {
    "digest": lambda number, _: digest("part", number, CHAT[: number % 3], None, 0.5),
    "draw": lambda number, _: draw(97, "attack", f"id{number}"),
    "fraction": lambda number, _: fraction("dose", number),
    "sample": lambda number, _: sample(ROWS, str, 4, number, "rows"),
    "key": lambda number, _: key(f"Wie säe ich {number}?", str(number)),
    "stable_seed": lambda number, _: stable_seed(number, "suite", None),
    "Bootstrap.at": lambda number, _: Bootstrap(seed=number).at("suite", "all").seed,
    "resampling_counts": lambda number, _: resampling_counts(5, 2, stable_seed(number)).tolist(),
    "order_by_hash": lambda number, _: order_by_hash([f"item{number}"], ["a", "b", "c", "d"]).tolist(),
    "row_generator": lambda number, _: row_generator(f"{number}/1/text", "cpu").initial_seed(),
    "GumbelNoise": lambda number, _: gumbel(number),
    "random_source": lambda number, _: random_source(number, "harmful").random(),
    "embedded batches": lambda number, _: batches([3, 9, 4, 4, 8, 2, 7, 5], 12, number),
    "Order of a tuning": lambda number, _: tuning_order(number),
    "Order of a forecast": lambda number, _: forecast_order(number),
    "mix": lambda number, _: mix(ROWS, ["s1", "s2", "s3"], 0.25, number),
    "hold_out": lambda number, _: held_out(number),
    "sha256": lambda number, folder: named_files(folder, number),
    "tuned_digest": lambda number, folder: tuned(folder, number),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_value_is_what_it_was(name, tmp_path):
    values = [FUNCTIONS[name](number, tmp_path) for number in NUMBERS]
    assert json.loads(json.dumps(values)) == PINNED[name]


def test_the_pinned_values_differ_from_one_another():
    for name, values in PINNED.items():
        assert len({json.dumps(value) for value in values}) > (1 if name == "order_by_hash" else 5), name


def test_nothing_pinned_is_left_out():
    assert PINNED.keys() == FUNCTIONS.keys()
    assert {len(values) for values in PINNED.values()} == {10}
    assert np.array(PINNED["fraction"]).max() < 1
