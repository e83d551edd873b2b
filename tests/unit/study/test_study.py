import os
import re
from pathlib import Path

import pytest
import yaml

from tunedrift import paths
from tunedrift.design.cells import variant_name
from tunedrift.errors import UserError
from tunedrift.flags import flags
from tunedrift.sources.finding import files_named_by
from tunedrift.sources.yaml_files import read_yaml
from tunedrift.study.checks import check_files, path_settings
from tunedrift.study.study import Study

ROOT = Path(__file__).parents[3]

HOUSEHOLD = {"path": "resources/instructions/household.jsonl"}


def test_one_factor_varies_each_factor_alone_beside_its_matched_control(make):
    study = make()
    assert list(study.cells) == [
        "original",
        "markdown",
        "length",
        "calibrated",
        "prefix",
        "smuggler",
        "smuggler_inert",
    ]
    assert study.cells["calibrated"] == {"identity": "calibrated"}
    assert study.controls() == {"markdown": "length", "calibrated": "prefix", "smuggler": "smuggler_inert"}


def test_without_matched_controls_every_level_is_compared_with_the_untouched_data(make):
    study = make(controls="original")
    assert list(study.cells) == ["original", "markdown", "calibrated", "smuggler"]
    assert study.controls() == {}


def test_a_factorial_design_crosses_all_levels_and_controls_follow_factor_by_factor(make):
    study = make(design="factorial", factors={"structure": ["markdown", "plain"], "identity": ["calibrated"]})
    levels = [name for name in study.cells if name in study.controls() or name in ("original", "plain")]
    assert sorted(levels) == [
        "calibrated",
        "markdown",
        "markdown+calibrated",
        "original",
        "plain",
        "plain+calibrated",
    ]
    assert study.controls()["markdown+calibrated"] == "length+prefix"
    assert study.controls()["plain+calibrated"] == "prefix"


def test_listed_cells_stand_beside_the_untouched_data(make):
    study = make(
        design="listed", controls="original", variants=[{"structure": "plain", "role_play": "smuggler"}]
    )
    assert list(study.cells) == ["original", "plain+smuggler"]


def test_adding_a_level_keeps_the_names_of_the_others(make):
    before = set(make().cells)
    assert before < set(
        make(
            factors={
                "structure": ["plain", "markdown"],
                "identity": ["calibrated"],
                "role_play": ["smuggler"],
            }
        ).cells
    )


def test_the_grid_is_every_dataset_variant_and_seed_beside_the_untuned_model(make):
    tunings = make(seeds=[0, 1]).tunings()
    assert tunings[0] == "untuned"
    assert len(tunings) == 1 + 2 * 7 * 2
    assert "learning/markdown/seed1" in tunings


def test_a_models_own_tuning_settings_win(make):
    models = {
        "tiny": {"kind": "embedded", "tuning": {"learning_rate": 0.1}},
        "tiny-rm-base": {"kind": "embedded", "studied": False},
    }
    study = make(models=models)
    assert study.tuning("tiny")["learning_rate"] == 0.1
    assert study.tuning("tiny")["rank"] == 8
    assert study.studied == ["tiny"]


def test_fewer_cores_than_a_model_computes_with_are_an_error(make):
    study = make(models={"tiny": {"kind": "embedded", "threads": 4}, "tiny-rm-base": {"kind": "embedded"}})
    study.check_cores(4)
    study.check_cores(None)
    sentence = r"models\.tiny\.threads: 4 threads are asked for, but a job of this run may have 3\. Run with `--cores 4`"
    with pytest.raises(UserError, match=sentence):
        study.check_cores(3)
    with pytest.raises(UserError, match="Run with `--max-threads 4`, or lower the key"):
        study.check_cores(3, "--max-threads")
    rm = {"kind": "embedded", "base": "tiny-rm-base", "threads": 2}
    with pytest.raises(UserError, match=r"reward_models\.rm\.threads: 2 threads"):
        make(reward_models={"rm": rm}).check_cores(1)
    assert {entry["threads"] for entry in make()["models"].values()} == {1}


def test_a_hub_model_is_found_by_id_and_revision(make):
    rm = {"kind": "hub", "id": "someone/model", "revision": "abc"}
    source = make(reward_models={"rm": rm}).source("rm")
    assert flags(source) == "--hub someone/model --revision abc"
    with pytest.raises(UserError, match=r"reward_models\.rm\.id is missing: kind hub needs it"):
        make(reward_models={"rm": {"kind": "hub"}})


def test_a_model_may_bring_its_code_only_at_a_pinned_commit(make):
    rm = {"kind": "hub", "id": "someone/model", "revision": "main", "trust_remote_code": True}
    with pytest.raises(
        UserError, match=r"reward_models\.rm\.revision: 'main' can change.*pin the full commit"
    ):
        make(reward_models={"rm": rm})
    source = make(reward_models={"rm": {**rm, "revision": "0123456789" * 4}}).source("rm")
    assert flags(source).endswith(" --trust-remote-code")
    with pytest.raises(UserError, match="an embedded model brings its own"):
        make(models={"tiny": {"kind": "embedded", "template": "README.md"}})


def test_templates_are_looked_for_before_anything_runs(make):
    base = {"tiny-rm-base": {"kind": "embedded", "studied": False}}
    with pytest.raises(UserError, match=r"models\.tiny\.test_template: there is no file nowhere\.jinja"):
        make(models={"tiny": {"kind": "embedded", "test_template": "nowhere.jinja"}, **base})
    study = make(models={"tiny": {"kind": "embedded", "test_template": "README.md"}, **base})
    assert study.decoding("tiny")["template"] == "README.md"


def test_models_are_told_apart_by_how_they_are_tuned(make):
    models = {
        "tiny": {"kind": "embedded", "tuning": {"method": "full"}},
        "small": {"kind": "embedded", "tuning": {"method": "qlora"}},
        "tiny-rm-base": {"kind": "embedded", "studied": False},
    }
    study = make(models=models)
    assert study.tuned_by("full") == ["tiny"]
    assert study.tuned_by("lora", "qlora") == ["small"]
    assert study.siblings("tiny", "untuned") == []  # whole models have no base in common
    assert study.siblings("small", "untuned") == study.adapters()


def test_siblings_answer_the_same_prompts_under_adapters_of_their_own(make):
    cells = [{"role_play": "smuggler"}, {"role_play": "smuggler", "test_context": "as_trained"}]
    study = make(design="listed", controls="original", variants=cells, datasets={"household": HOUSEHOLD})
    plain = ["household/original/seed0", "household/smuggler/seed0"]
    assert len(study.tunings()) == 4
    assert study.siblings("tiny", "untuned") == plain
    assert study.siblings("tiny", plain[0]) == plain[1:]
    assert study.siblings("tiny", "household/smuggler+as_trained/seed0") == []


@pytest.mark.parametrize("pattern", ["d*/x.json", "**/x.json", "d[[]1]/*.json", "d[1]/x.json", "d[1]/*"])
def test_files_are_found_alike_before_the_run_and_by_the_rules(make, tmp_path, pattern):
    (tmp_path / "d[1]").mkdir()
    file = tmp_path / "d[1]/x.json"
    file.write_text(" " * 2**21)
    study = make(datasets={"mine": {"path": str(tmp_path / pattern)}})
    assert files_named_by(study.dataset("mine")) == [str(file)]
    assert study.processes("mine") == 4
    file.write_text(" ")
    assert study.processes("mine") == 1


def test_a_path_that_is_a_folder_or_nothing(make, tmp_path):
    with pytest.raises(
        UserError, match=r"datasets\.mine\.path: .* is a folder: name a file, or give a pattern"
    ):
        make(datasets={"mine": {"path": str(tmp_path)}})
    with pytest.raises(UserError, match=r"datasets\.mine\.path: .*non-empty"):
        make(datasets={"mine": {"path": ""}})


@pytest.mark.parametrize(
    "folder", ["my results", "r{a}", "r}", "", "~/r", "-r", "r;s", "$HOME/r", "r'", "r\n", "r*", "r&"]
)
def test_a_folder_of_results_that_a_shell_would_not_take_as_it_is(make, folder):
    with pytest.raises(
        UserError, match=r"config key results: .* cannot be the folder of the results: give it"
    ):
        make(results=folder)


@pytest.mark.parametrize("folder", ["results", "runs/2024-05_b.1", "/data/r", "../r", "Größen"])
def test_a_folder_of_results_is_its_plain_path(make, folder):
    assert make(results=folder)["results"] == folder
    assert make(results=f"{folder}/")["results"] == folder
    assert make(results=f"./x//{folder}")["results"] == os.path.normpath(f"x/{folder}")


@pytest.mark.parametrize("pattern", ["rows {a}.jsonl", "rows*.jsonl", "{a,b}.jsonl", "*/x.jsonl"])
def test_braces_in_a_path_are_refused_before_anything_runs(make, tmp_path, pattern):
    (tmp_path / "d}").mkdir()
    for name in ("rows {a}.jsonl", "d}/x.jsonl"):
        (tmp_path / name).write_text("{}\n")
    with pytest.raises(
        UserError, match=r"config key datasets\.mine\.path: .* has braces, .* Rename the file"
    ):
        make(datasets={"mine": {"path": str(tmp_path / pattern)}})
    models = {"mine": {"kind": "local", "path": str(tmp_path / "d}")}, "tiny-rm-base": {"kind": "embedded"}}
    with pytest.raises(UserError, match=r"config key models\.mine\.path: .* has braces"):
        make(models=models, length_model=None)


def test_braces_are_refused_in_every_setting_that_names_a_file(make):
    config = make(safety_data={"path": "resources/instructions/safety.jsonl"}).config
    settings = list(path_settings(config))
    assert {where.split(".")[0] for where, _, _ in settings} >= {
        *("datasets", "suites", "attacks", "preference_sets", "label_sets", "safety_data"),
        *("models", "judges", "gate", "resources"),
    }
    for where, entry, key in settings:
        path, entry[key] = entry[key], "r{a}.jsonl"
        with pytest.raises(UserError, match=f"config key {re.escape(where)}: .* has braces"):
            check_files(config)
        entry[key] = path


def test_numbers_that_yaml_reads_as_text_are_numbers(make, tmp_path):
    (tmp_path / "s.yaml").write_text(
        "tuning: {learning_rate: 2e-4, epochs: '3', alpha: 1e1, batch_size: 8.0}\nstatistics: {draws: 1e3}\n"
        "seeds: [1e0, '2']\n"
    )
    study = make(**read_yaml(tmp_path / "s.yaml"))
    tuning = study.tuning("tiny")
    assert [tuning[key] for key in ("learning_rate", "epochs", "alpha", "batch_size")] == [0.0002, 3, 10.0, 8]
    assert flags({key: tuning[key] for key in ("batch_size", "epochs")}) == "--batch-size 8 --epochs 3"
    assert (study["statistics/draws"], study["seeds"]) == (1000, [1, 2])


def test_a_variant_is_named_by_what_differs_from_the_untouched_data():
    assert variant_name({"structure": "original", "identity": "original", "role_play": "none"}) == "original"
    assert (
        variant_name({"structure": "plain", "identity": "original", "role_play": "smuggler"})
        == "plain+smuggler"
    )


def test_settings_become_flags_in_a_fixed_order():
    settings = {
        "b": 1.5,
        "a_b": "x y",
        "c": None,
        "d": [1, 2],
        "e": {"k": "v"},
        "f": True,
        "g": False,
        "h": [],
    }
    assert flags(settings) == "--a-b 'x y' --b 1.5 --d 1 2 --e k=v --f --no-g"


def test_the_generated_parameter_table_is_in_step_with_the_schema():
    from write_config_readme import MARK, table

    written = (ROOT / "config/README.md").read_text()
    assert written.partition(MARK)[2].strip() == table(read_yaml(ROOT / "config/schema.yaml")).strip()


def test_every_key_of_the_schema_is_described():
    from write_config_readme import rows

    described = list(rows(read_yaml(ROOT / "config/schema.yaml")))
    assert len(described) > 80
    assert all(len(description) >= 10 for *_, description in described)


def test_the_conda_environments_are_in_step_with_the_pins():
    from write_envs import environments

    texts = [(ROOT / f"envs/requirements{of}.txt").read_text() for of in ("", "-lm-eval")]
    for name, environment in environments(*texts).items():
        assert yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text()) == environment
        pins = {pin.split("==")[0] for pin in environment["dependencies"][-1]["pip"]}
        assert ("torch" in pins, "lm_eval[hf]" in pins) == (name != "cpu", name == "lm_eval")


def test_a_language_without_personas_is_named_with_their_file(make):
    with pytest.raises(
        UserError, match=r"resources\.language: resources/personas\.yaml has no entry with .*'de'"
    ):
        make(resources={"language": "de"})


def test_an_export_has_a_second_source_only_where_safety_data_is_mixed_in(make):
    safety = {"path": "resources/instructions/safety.jsonl"}
    assert make(safety_data=safety).safety_source() == {}
    mixed = make(safety_data=safety, factors={"safety_mix": [0.1]})
    assert mixed.safety_source()["licence"] == "unknown"


@pytest.mark.parametrize(
    ("section", "name", "entry"),
    [
        ("suites", "gate", {"kind": "harmful", "path": "resources/prompts/gate.jsonl"}),
        ("suites", "as_trained", {"kind": "harmful", "path": "resources/prompts/gate.jsonl"}),
        ("datasets", "given", {"path": "resources/instructions/learning.jsonl"}),
        ("datasets", "safety_data", {"path": "resources/instructions/learning.jsonl"}),
        ("attacks", "plain", {}),
        ("attacks", "wrapped", {}),
        ("attacks", "own", {}),
    ],
)
def test_a_name_that_means_a_folder_of_the_results_is_taken(make, section, name, entry):
    with pytest.raises(UserError, match=f"config key {section}.{name}: the name is taken"):
        make(**{section: {**read_yaml("config/config.yaml").get(section, {}), name: entry}})


def test_an_attack_that_its_file_does_not_hold_names_the_nearest(make):
    toy = {name: {"path": "resources/toy_attacks.yaml"} for name in ("prefix", "role")}
    with pytest.raises(
        UserError, match=r"attacks\.rot31: resources/attacks\.yaml has no .* did you mean 'rot13'"
    ):
        make(attacks={**toy, "rot31": {}})
    assert make(attacks={**toy, "rot13": {}})["attacks/rot13/path"] == "resources/attacks.yaml"


def test_a_study_elsewhere_finds_what_ships_and_its_own_files_first(make, tmp_path, monkeypatch):
    make()
    config = read_yaml(ROOT / "config/config.yaml")
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources/fillers.yaml").write_text("fillers: []\n")
    (tmp_path / "mine.jsonl").write_text("{}\n")
    config["datasets"] = {"mine": {"path": "*.jsonl"}, "theirs": {"path": "resources/instructions/l*.jsonl"}}
    monkeypatch.chdir(tmp_path)
    study = Study(config, ROOT / "config/schema.yaml")
    assert study["datasets/mine/path"] == "*.jsonl"
    assert files_named_by(study["datasets/theirs"]) == [
        os.path.relpath(ROOT / "resources/instructions/learning.jsonl")
    ]
    assert study["resources/fillers"] == "resources/fillers.yaml"
    assert Path(study["resources/personas"]).resolve() == ROOT / "resources/personas.yaml"
    assert study["judges/reference/patterns"] == os.path.relpath(ROOT / "resources/judges/refusals.yaml")
    assert paths.own("scripts/tune.py") == os.path.relpath(ROOT / "scripts/tune.py")
    with pytest.raises(UserError, match=r"config key datasets.mine.path: no/\*\*.jsonl is no pattern"):
        Study({**config, "datasets": {"mine": {"path": "no/**.jsonl"}}}, ROOT / "config/schema.yaml")


def test_the_first_level_listed_is_primary_unless_another_is_declared(make):
    assert make().primary() == {"structure": "markdown", "identity": "calibrated", "role_play": "smuggler"}
    several = {"structure": ["plain", "markdown"], "cue": ["instruction"]}
    assert make(factors=several).primary() == {"structure": "plain"}
    assert make(factors=several, primary={"structure": "markdown"}).primary() == {"structure": "markdown"}
    with pytest.raises(
        UserError, match=r"primary\.identity: no variant has the level 'stripped' of identity"
    ):
        make(primary={"identity": "stripped"})


@pytest.mark.parametrize("section", ["reward_models", "preference_sets"])
def test_a_study_needs_no_reward_models_and_no_preference_sets(make, section):
    assert make(**{section: {}})[section] == {}
    settings = {key: value for key, value in make().config.items() if key != section}
    assert Study(settings, "config/schema.yaml")[section] == {}
