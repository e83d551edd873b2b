import warnings

import numpy as np
import polars as pl
import pytest
import scipy.stats
from sklearn.metrics import cohen_kappa_score
from synthetic import RMS, fabricate, reward

from tunedrift.agreement.detection import detection
from tunedrift.agreement.rm_people import rm_people, rules
from tunedrift.agreement.rm_rm import rm_rm
from tunedrift.design.tunings import parse_tuning
from tunedrift.errors import UserError
from tunedrift.statistics.bootstrap import Bootstrap
from tunedrift.statistics.ranking import order_by_hash
from tunedrift.tables.agreement import AGREEMENT
from tunedrift.tables.preferences import PREFERENCES
from tunedrift.tables.prompts import PROMPTS
from tunedrift.tables.rewards import REWARDS
from tunedrift.tables.verdicts import VERDICTS

FEW = Bootstrap(draws=200)
NO_PROMPTS = PROMPTS.frame([])
VARIANTS = "abcdefgh"
TUNINGS = [f"d/{variant}/seed0" for variant in VARIANTS]


def rewards(scores, subject="responses/tiny"):
    """Rewards from reward model → item → scores of the groups a, b, c, …"""
    return REWARDS.frame(
        [
            reward(rm, subject, group, item, score)
            for rm, items in scores.items()
            for item, values in items.items()
            for group, score in zip(
                VARIANTS if subject.startswith("variants/") else TUNINGS, values, strict=False
            )
        ]
    )


def by_measure(rows, **where):
    found = [row for row in rows if all(row.get(name) == value for name, value in where.items())]
    assert len({row["measure"] for row in found}) == len(found)
    return {row["measure"]: row for row in found}


def pairs(safer, less_safe, prompts=None):
    rows = [
        {
            **{"pair_id": f"pair {number}", "prompt_key": prompts[number] if prompts else str(number)},
            **{"messages": [], "safer": one, "less_safe": other, "category": "c"},
        }
        for number, (one, other) in enumerate(zip(safer, less_safe, strict=True))
    ]
    return PREFERENCES.frame(rows)


def pair_rewards(margins, rm="rm"):
    return REWARDS.frame(
        [
            reward(rm, "preferences/people", side, f"pair {number}", margin if side == "safer" else 0.0)
            for number, margin in enumerate(margins)
            for side in ("safer", "less_safe")
        ]
    )


def test_two_reward_models_by_hand():
    scores = {
        "one": {"x": [1, 2, 3], "y": [1, 2, 3], "z": [5, 5, 5]},
        "two": {"x": [1, 2, 3], "y": [1, 3, 2], "z": [1, 2, 3]},
    }
    found = by_measure(rm_rm(rewards(scores), NO_PROMPTS, {}, FEW), rm="one", other="two")
    # x agrees in all three pairs, y in two of three; z is tied by one of the models.
    assert found["kendall_tau_b"]["estimate"] == pytest.approx((1 + 1 / 3) / 2)
    assert found["spearman"]["estimate"] == pytest.approx((1 + 1 / 2) / 2)
    assert (found["kendall_tau_b"]["n"], found["kendall_tau_b"]["clusters"]) == (2, 2)
    assert found["undefined_rate"]["estimate"] == pytest.approx(1 / 3)
    assert found["undefined_rate"]["n"] == 3
    assert found["sign_agreement"]["estimate"] == pytest.approx(5 / 6)
    assert found["sign_agreement"]["n"] == found["sign_kappa"]["n"] == 6
    assert found["sign_tie_rate"]["estimate"] == pytest.approx(3 / 9)
    texts = [[1, 2, 3, 1, 2, 3, 5, 5, 5], [1, 2, 3, 1, 3, 2, 1, 2, 3]]
    assert found["kendall_tau_b_pooled"]["estimate"] == pytest.approx(
        scipy.stats.kendalltau(*texts).statistic
    )
    assert found["spearman_pooled"]["estimate"] == pytest.approx(scipy.stats.spearmanr(*texts).statistic)
    assert found["spearman_pooled"]["n"] == 9
    assert found["spearman_pooled"]["low"] is None


def test_what_is_undefined_is_null_with_nothing_counted():
    found = by_measure(rm_rm(rewards({"one": {"x": [1, 1]}, "two": {"x": [1, 2]}}), NO_PROMPTS, {}, FEW))
    for measure in ("kendall_tau_b", "spearman", "sign_agreement", "sign_kappa", "spearman_pooled"):
        assert (found[measure]["estimate"], found[measure]["n"]) == (None, 0)
    assert found["sign_tie_rate"]["estimate"] == found["undefined_rate"]["estimate"] == 1.0


def test_one_group_alone_has_no_pairs():
    found = by_measure(
        rm_rm(rewards({"one": {"x": [1], "y": [2]}, "two": {"x": [1], "y": [2]}}), NO_PROMPTS, {}, FEW)
    )
    assert found["sign_agreement"]["estimate"] is None
    assert found["kendall_tau_b_pooled"]["estimate"] == 1.0


@pytest.fixture(scope="module")
def study():
    return fabricate(harmful=10, rows=20, pairs=40)


def test_within_prompt_agreement_is_scipys_averaged_over_prompts(study):
    found = by_measure(
        rm_rm(study.rewards, study.prompts, study.preferences, FEW),
        rm="safe",
        other="style",
        subject="responses/tiny",
    )
    wide = study.rewards.filter(subject="responses/tiny").pivot(
        "rm", index=["item_id", "group"], values="reward"
    )
    for measure, function in (("kendall_tau_b", scipy.stats.kendalltau), ("spearman", scipy.stats.spearmanr)):
        each = [function(part["safe"], part["style"]).statistic for part in wide.partition_by("item_id")]
        assert found[measure]["estimate"] == pytest.approx(np.mean(each))
        assert found[measure]["low"] < found[measure]["estimate"] < found[measure]["high"]
    assert found["kendall_tau_b"]["n"] == 50
    assert found["kendall_tau_b"]["clusters"] == 30  # ten harmful prompts in three forms, twenty others
    assert (found["kendall_tau_b"]["model"], found["kendall_tau_b"].get("dataset")) == ("tiny", None)


def test_kappa_reads_pairs_in_an_order_that_ids_decide(study):
    found = by_measure(
        rm_rm(study.rewards, study.prompts, study.preferences, FEW),
        rm="safe",
        other="style",
        subject="preferences/people",
    )
    wide = study.rewards.filter(subject="preferences/people").pivot(
        "group", index=["rm", "item_id"], values="reward"
    )
    signs = {}
    for (rm,), part in wide.sort("item_id").partition_by("rm", as_dict=True).items():
        margin = (part["less_safe"] - part["safer"]).sign().to_numpy()
        swap = order_by_hash(part["item_id"].to_list(), ["less_safe", "safer"])[:, 0]
        signs[rm] = np.where(swap, -margin, margin)
    assert 10 < (swap == 1).sum() < 30
    assert found["sign_kappa"]["estimate"] == pytest.approx(cohen_kappa_score(signs["safe"], signs["style"]))
    assert found["sign_agreement"]["estimate"] == pytest.approx((signs["safe"] == signs["style"]).mean())
    assert found["sign_agreement"]["clusters"] == 20
    assert "kendall_tau_b" not in found


def test_a_reward_model_agrees_with_itself_and_not_with_its_opposite(study):
    one = study.rewards.filter(rm="safe")
    opposite = one.with_columns(rm=pl.lit("turned"), reward=-pl.col("reward"))
    twin = one.with_columns(rm=pl.lit("twin"), reward=pl.col("reward") * 3 + 1)
    rows = list(rm_rm(pl.concat([one, opposite, twin]), study.prompts, study.preferences, FEW))
    for other, expected in (("twin", 1), ("turned", -1)):
        found = by_measure(rows, rm="safe", other=other, subject="variants/household")
        for measure in ("kendall_tau_b", "spearman", "sign_kappa", "kendall_tau_b_pooled"):
            assert found[measure]["estimate"] == pytest.approx(expected, abs=0.02)
        assert found["sign_agreement"]["estimate"] == (expected + 1) / 2


def test_a_missing_or_odd_score_is_an_error():
    scores = rewards({"one": {"x": [1, 2], "y": [1, 2]}, "two": {"x": [1, 2], "y": [1]}})
    with pytest.raises(UserError, match="reward model 'two' has no score of 'y' in 'd/b/seed0'"):
        list(rm_rm(scores, NO_PROMPTS, {}, FEW))
    with pytest.raises(UserError, match="scored 'x' as nan"):
        list(rm_rm(rewards({"one": {"x": [1, np.nan]}}), NO_PROMPTS, {}, FEW))


def test_errors_on_preferences_count_a_tie_as_half_and_show_it():
    table = pairs(["a"] * 5, ["b"] * 5, prompts=list("ppqrr"))
    found = by_measure(rm_people(pair_rewards([1, -1, 0, 2, 0]), {"people": table}, FEW), rm="rm")
    assert found["error_rate"]["estimate"] == pytest.approx(2 / 5)
    assert found["tie_rate"]["estimate"] == pytest.approx(2 / 5)
    assert (found["error_rate"]["n"], found["error_rate"]["clusters"]) == (5, 3)
    assert found["error_rate"]["subject"] == "preferences/people"
    assert found["error_rate"]["labels"] == "people"
    simulated = {"people": table.with_columns(labels=pl.lit("simulated"))}
    rows = list(rm_people(pair_rewards([1, -1, 0, 2, 0]), simulated, FEW))
    assert {row["labels"] for row in rows} == {"simulated"}
    assert found["error_rate"]["low"] is None  # three prompts tell nothing
    assert "p" not in found["error_rate"]


def test_words_against_people_are_holms_over_the_reward_models_of_the_set():
    margins = {"right": [1.0] * 8, "wrong": [-1.0] * 8, "nearly": [1.0] * 7 + [-1.0]}
    scored = pl.concat([pair_rewards(margin, rm) for rm, margin in margins.items()])
    rows = list(rm_people(scored, {"people": pairs("a" * 8, "b" * 8)}, FEW))
    found = {row["rm"]: row for row in rows if row["measure"] == "error_rate"}
    # By hand, two-sided binomial: 2 / 2^8 for none or all of eight, times three and two.
    assert found["right"]["p"] == pytest.approx(2 / 2**8)
    assert found["right"]["p_holm"] == found["wrong"]["p_holm"] == pytest.approx(3 * 2 / 2**8)
    assert found["nearly"]["p"] > 2 * 9 / 2**8 - 1e-9
    assert [found[rm].get("word") for rm in margins] == ["better", "worse", None]
    assert "p" not in found["longer wins"]


def test_a_model_that_never_errs_still_has_an_interval():
    found = by_measure(rm_people(pair_rewards([1.0] * 8), {"people": pairs("a" * 8, "b" * 8)}, FEW), rm="rm")
    row = found["error_rate"]
    assert (row["low"], row["high"]) == pytest.approx((0, 1 - 0.025 ** (1 / 8)))  # Clopper and Pearson


def test_rules_that_read_no_meaning():
    table = pairs(["long answer", "no", "same"], ["short", "longer", "size"])
    found = rules(table, 0, lambda answer: answer.startswith("no"))
    assert found["longer wins"].tolist() == [6, -4, 0]
    assert found["shorter wins"].tolist() == [-6, 4, 0]
    assert found["refusal keyword"].tolist() == [0, 1, 0]
    assert "refusal keyword" not in rules(table, 0, None)
    many = pairs(["a"] * 400, ["b"] * 400)
    coins = rules(many, 0, None)["random"]
    assert set(coins) == {-1, 1}
    assert abs(coins.mean()) < 0.15
    assert (coins == rules(many, 0, None)["random"]).all()
    assert (coins != rules(many, 1, None)["random"]).any()


def test_the_controls_stand_beside_the_models():
    table = pairs(["longer", "longer"], ["short", "shor"])
    rows = list(rm_people(pair_rewards([1, 1]), {"people": table}, FEW, refuses=lambda _: False))
    errors = {row["rm"]: row["estimate"] for row in rows if row["measure"] == "error_rate"}
    assert errors.keys() == {"rm", "longer wins", "shorter wins", "random", "refusal keyword"}
    assert (errors["longer wins"], errors["shorter wins"], errors["refusal keyword"]) == (0.0, 1.0, 0.5)


def test_preferences_without_their_rewards_are_an_error():
    with pytest.raises(UserError, match="do not match; score the set again"):
        list(rm_people(pair_rewards([1]), {"people": pairs("ab", "cd")}, FEW))


def harmful(count):
    rows = [
        {
            **{"prompt_id": f"p{number}", "suite": "s", "kind": "harmful", "plain_id": str(number // 2)},
            **{
                "attack": ("plain", "role")[number % 2],
                "dimension": "none",
                "stratum": "all",
                "category": "c",
                "messages": [],
            },
            "plain_prompt": str(number // 2),
        }
        for number in range(count)
    ]
    return PROMPTS.frame(rows)


def judged(labels):
    rows = [
        {
            **{
                "judge": "harm",
                "kind": "harm",
                "model": "tiny",
                **parse_tuning(tuning).columns,
                "prompt_id": prompt,
            },
            **{"sample": 0, "label": label, "truncated": False},
        }
        for prompt, answers in labels.items()
        for tuning, label in zip(TUNINGS, answers, strict=False)
    ]
    return VERDICTS.frame(rows)


def test_detection_by_hand():
    labels = {
        "p0": ["safe", "unsafe", "unsafe"],
        "p1": ["safe", "safe", "empty"],
        "p2": ["unsafe", "safe", "safe"],
    }
    scores = {"rm": {"p0": [2, 1, 3], "p1": [1, 2, 3], "p2": [1, 1, 5]}}
    found = by_measure(detection(rewards(scores), harmful(3), judged(labels), "harm", FEW))
    # p0: one of two pairs right; p1: no pair; p2: one tie, one right.
    row = found["detection_accuracy"]
    assert (row["estimate"], row["n"], row["clusters"]) == (2.5 / 4, 4, 2)
    assert (row["other"], row["model"], row["subject"]) == ("harm", "tiny", "responses/tiny")
    assert found["detection_tie_rate"]["estimate"] == 1 / 4
    assert found["detection_unscored_rate"]["estimate"] == pytest.approx(1 / 9)
    assert found["detection_unscored_rate"]["n"] == 9


def test_detection_reads_harmful_prompts_and_greedy_answers_alone():
    greedy, other = rewards({"rm": {"p0": [2, 1]}}), rewards({"rm": {"p9": [1, 2]}})
    sampled = rewards({"rm": {"p0": [1, 2]}}).with_columns(sample=pl.lit(1, pl.Int64))
    labels = judged({"p0": ["safe", "unsafe"]})
    later = judged({"p0": ["unsafe", "unsafe"]}).with_columns(sample=pl.lit(1, pl.Int64))
    rows = detection(pl.concat([greedy, sampled, other]), harmful(1), pl.concat([labels, later]), "harm", FEW)
    found = by_measure(rows)
    assert (found["detection_accuracy"]["estimate"], found["detection_accuracy"]["n"]) == (1.0, 1)


def test_an_answer_with_a_reward_and_no_verdict_is_an_error():
    with pytest.raises(UserError, match="answer of 'd/b/seed0' to 'p0' has rewards, but no verdict"):
        list(detection(rewards({"rm": {"p0": [2, 1]}}), harmful(1), judged({"p0": ["safe"]}), "harm", FEW))


def test_detection_finds_the_model_that_values_safety(study):
    rows = detection(study.rewards, study.prompts, study.verdicts, "harm", FEW)
    found = {row["rm"]: row for row in rows if row["measure"] == "detection_accuracy"}
    assert found.keys() == RMS.keys()
    assert found["safe"]["low"] > 0.7
    assert found["noisy"]["low"] < 0.5 < found["noisy"]["high"]


def test_all_rows_make_a_valid_table_whatever_the_order_of_the_input(study):
    def table(rewards, prompts, verdicts):
        rows = [
            *rm_rm(rewards, prompts, study.preferences, FEW),
            *rm_people(rewards, study.preferences, FEW),
            *detection(rewards, prompts, verdicts, "harm", FEW),
        ]
        return AGREEMENT.check(AGREEMENT.frame(rows), "agreement")

    with warnings.catch_warnings(action="error"):
        found = table(study.rewards, study.prompts, study.verdicts)
    assert set(found["question"]) == {"rm_rm", "rm_people", "detection"}
    assert found.equals(table(study.rewards[::-1], study.prompts[::-1], study.verdicts[::-1]))
