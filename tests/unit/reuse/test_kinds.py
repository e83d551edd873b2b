from pathlib import Path

import pytest

from tunedrift.errors import UserError
from tunedrift.reuse.code_digest import code_digest
from tunedrift.reuse.kinds import Kinds

JUDGE = Path(__file__).parents[3] / "scripts/judge.py"


def test_the_digest_is_that_of_the_rule():
    kinds = Kinds(JUDGE, "verdicts", "refusal")
    assert kinds.digest == code_digest(JUDGE, "tunedrift.verdicts.refusal")
    assert kinds.digest != Kinds(JUDGE, "verdicts", "utility").digest


def test_a_kind_is_a_module_imported_by_its_name():
    assert Kinds(JUDGE, "verdicts", "utility").load("utility").PROMPTS == ("utility",)


def test_a_kind_outside_the_digest_is_not_loaded():
    with pytest.raises(UserError, match=r"'utility' is not among .* started for \(refusal\)"):
        Kinds(JUDGE, "verdicts", "refusal").load("utility")


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(UserError, match="there is no kind of verdicts 'refusals'; did you mean 'refusal'"):
        Kinds(JUDGE, "verdicts", "refusals")
