"""Whatever is one thing is drawn as one: pairs of one set, and a prompt under several ids."""

import numpy as np
import polars as pl
import pytest
from synthetic import reward

from tunedrift.agreement.detection import detection
from tunedrift.agreement.rm_rm import rm_rm
from tunedrift.drift.contrasts import drift
from tunedrift.statistics.bootstrap import Bootstrap
from tunedrift.statistics.clusters import of_prompts
from tunedrift.tables.preferences import PREFERENCES
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.rewards import REWARDS
from tunedrift.tables.verdicts import VERDICTS

OPTIONS = Bootstrap(draws=400)


def pairs(count, to_a_prompt, labels="people"):
    return PREFERENCES.frame(
        [
            {
                **{"pair_id": f"pair {number}", "prompt_key": str(number // to_a_prompt), "messages": []},
                **{"safer": "s", "less_safe": "l", "category": "c", "labels": labels},
            }
            for number in range(count)
        ]
    )


def scored(name, signs):
    return [
        reward(rm, f"preferences/{name}", side, f"pair {number}", sign * (side == "safer"))
        for rm, by_pair in signs.items()
        for number, sign in enumerate(by_pair)
        for side in ("safer", "less_safe")
    ]


def test_two_sets_may_give_their_pairs_the_same_ids():
    agree = np.repeat([1, 1, 1, -1, -1, -1], 20)  # six prompts of twenty pairs that are all alike
    own = scored("few prompts", {"one": np.ones(120), "two": agree})
    other = scored("many prompts", {"one": np.ones(120), "two": np.ones(120)})
    few, many = pairs(120, 20), pairs(120, 1)

    def interval(rewards, preferences):
        rows = rm_rm(REWARDS.frame(rewards), PROMPTS.frame([]), preferences, OPTIONS)
        [row] = [
            row
            for row in rows
            if row["measure"] == "sign_agreement" and row["preference_set"] == "few prompts"
        ]
        return row["low"], row["high"], row["clusters"]

    alone = interval(own, {"few prompts": few})
    assert alone == interval([*own, *other], {"few prompts": few, "many prompts": many})
    assert alone[2] == 6
    assert alone[1] - alone[0] > 0.5


def asked(ids):
    return PROMPTS.frame(
        [
            {
                **{"prompt_id": f"s/{number}-{copy}/plain", "suite": "s", "kind": "harmful"},
                **{
                    "plain_id": f"{number}-{copy}",
                    "attack": "plain",
                    "dimension": "none",
                    "stratum": "all",
                    "category": "c",
                },
                **{"messages": [], "plain_prompt": f"How do I steal {number}?"},
            }
            for number in range(20)
            for copy in range(ids)
        ]
    )


def drifted(ids):
    prompts = asked(ids)
    rows = [
        {
            **{"judge": "harm", "kind": "harm", "model": "tiny", "tuning": "untuned", "prompt_id": prompt},
            **{
                "sample": 0,
                "label": "safe" if int(prompt[2:].split("-")[0]) % 3 else "unsafe",
                "truncated": False,
            },
        }
        for prompt in prompts["prompt_id"]
    ]
    table = drift(prompts, VERDICTS.frame(rows), {}, 0.95).filter(measure="SA_g", split="all")
    return table.select("estimate", "low", "high", "prompts").row(0)


def test_a_prompt_under_three_ids_counts_once():
    once, thrice = drifted(1), drifted(3)
    assert once[3] == thrice[3] == 20
    assert once[:3] == pytest.approx(thrice[:3])


def agreed(ids):
    prompts = asked(ids)
    scores = [
        reward(rm, "responses/tiny", f"d/{variant}/seed0", prompt, weight * place)
        for rm, weight in (("one", 1), ("two", -1))
        for place, variant in enumerate("ab")
        for prompt in prompts["prompt_id"]
    ]
    rewards = REWARDS.frame(scores)
    verdicts = VERDICTS.frame(
        [
            {
                **{"judge": "harm", "kind": "harm", "model": "tiny", "tuning": f"d/{variant}/seed0"},
                **{"prompt_id": prompt, "sample": 0, "label": label, "truncated": False},
            }
            for variant, label in (("a", "safe"), ("b", "unsafe"))
            for prompt in prompts["prompt_id"]
        ]
    )
    rows = [
        *rm_rm(rewards, prompts, {}, OPTIONS),
        *detection(rewards, prompts, verdicts, "harm", OPTIONS),
    ]
    counted = {row["measure"]: row["clusters"] for row in rows}
    return counted["sign_agreement"], counted["detection_accuracy"]


def test_a_prompt_under_three_ids_is_one_cluster_of_agreement_and_detection():
    assert agreed(1) == agreed(3) == (20, 20)


def test_a_prompt_in_two_suites_and_under_attack_is_one_cluster():
    first, second = asked(1), asked(1).with_columns(suite=pl.lit("t"), prompt_id=pl.lit("t/x"))
    found = pl.concat([second, first]).select(of_prompts()).to_series()
    assert sorted(set(found)) == sorted(f"s/{number}-0" for number in range(20))
