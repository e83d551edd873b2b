"""What a study may say of judges that are fitted on label sets."""

import pytest

from tunedrift.errors import UserError
from tunedrift.study.checks import check_names

SETS = {"told": {"measure": "refusal"}, "harmed": {"measure": "harm"}}


def checked(**judge):
    """Check a study's names with one judge beside its primary one."""
    rule = {"kind": "harm", "by": "rule", "fitted_on": []}
    check_names(
        {
            **{"suites": {}, "primary_judge": "harm", "length_model": None, "reward_models": {}},
            "models": {"tiny": {"studied": True, "kind": "embedded", "template": None, "allow_pickle": False, "trust_remote_code": False}},
            "label_sets": SETS,
            "judges": {"harm": rule, "mine": {"by": "learned", "fitted_on": [], **judge}},
        }
    )  # fmt: skip


def test_a_learned_judge_of_sets_of_its_measure_is_fine():
    checked(kind="refusal", fitted_on=["told"])
    checked(kind="harm", fitted_on=["harmed"])


@pytest.mark.parametrize(
    ("judge", "said"),
    [
        ({"kind": "harm", "fitted_on": ["harmd"]}, "judges.mine.fitted_on: 'harmd' is not a label set .*'harmed'"),
        ({"kind": "harm", "fitted_on": ["told"]}, "judges.mine.fitted_on: 'told' is not a label set with `measure: harm`"),
        ({"kind": "harm"}, "judges.mine.fitted_on is missing"),
        ({"kind": "utility", "fitted_on": ["told"]}, "judges.mine.kind: a learned judge is of kind refusal or harm"),
        ({"kind": "harm", "by": "rule", "fitted_on": ["harmed"]}, "judges.mine.fitted_on: a judge by rule is not fitted"),
    ],
)  # fmt: skip
def test_another_is_one_sentence(judge, said):
    with pytest.raises(UserError, match=said):
        checked(**judge)
