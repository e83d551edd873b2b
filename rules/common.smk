"""Everything the rules share: the checked study, bounds of the wildcards, and helpers named for what they return.

The logic lives in scripts/tunedrift/, where it is tested.
"""

import json
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

# The basedir of the workflow would be that of a workflow which uses this one as a module.
HOME = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent
sys.path.insert(0, str(HOME / "scripts"))

from tunedrift import paths
from tunedrift.design.tunings import Tuning, parse_tuning
from tunedrift.errors import UserError
from tunedrift.files import sha256
from tunedrift.flags import flags
from tunedrift.models import folder
from tunedrift.reuse.code_digest import code_digest
from tunedrift.reuse.kinds import Kinds
from tunedrift.sources.finding import files_named_by
from tunedrift.sources.yaml_files import read_yaml
from tunedrift.study.study import Study

# A study file is complete: without this test Snakemake would merge it into the default study.
if not workflow.overwrite_configfiles:

    configfile: paths.located("config/config.yaml")


def cores():
    """The cores of this run; None for no limit: on a cluster, and for a plan whose command line names no number.

    Snakemake takes one core for a dry run that names none (`--jobs` is none), and for whatever else runs no job.
    """
    number = workflow.resource_settings.cores
    named = re.search(r" (--cores|-c)| (--jobs|-j)[ =]?1( |$)", " ".join(sys.argv))
    return number if named or number != 1 else None


try:
    for file in workflow.configfiles:
        read_yaml(file)  # Snakemake's own loader lets a key stand twice
    study = Study(config, HOME / "config/schema.yaml")
    limit = workflow.global_resources.get("gpu")
    study.check_gpus(limit and limit.value)
    if workflow.is_main_process:  # a job on a cluster's node has the cores that were asked for it
        study.check_cores(cores())
        study.check_cores(workflow.resource_settings.max_threads, "--max-threads")
        for warning in study.warnings():
            logger.warning(warning)
except UserError as error:
    raise WorkflowError(str(error)) from None


onstart:
    try:  # again, for a profile may have named one core; here it is known that jobs are run
        study.check_cores(workflow.resource_settings.cores)
    except UserError as error:
        raise WorkflowError(str(error)) from None


pathvars:
    results=study["results"],


def one_of(names):
    """A regular expression that matches exactly these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    model=one_of(study["models"]),
    dataset=one_of(study.sources()),
    variant=one_of(study.trained_variants),
    seed=one_of(map(str, study["seeds"])),
    tuning=one_of(study.tunings()),
    suite=one_of(study["suites"]),
    judge=one_of(study["judges"]),
    rm=one_of(study["reward_models"]),
    preference_set=one_of(study["preference_sets"]),
    label_set=one_of(study["label_sets"]),


def program(name):
    """Params: the path of a program of this workflow, from the working directory."""
    return paths.own(f"scripts/{name}.py")


def settings(path, *keys):
    """Params: the named settings at a path of the study, as command-line flags."""

    def as_flags(wildcards):
        entry = study[path.format(**wildcards)]
        return flags({key: entry[key] for key in keys if key in entry} if keys else entry)

    return as_flags


def source_files(section):
    """Input: the files that an entry of the study names by a path or a glob, sorted; none where they come from the hub."""

    def files(wildcards):
        return files_named_by(study[section.format(**wildcards)])

    return files


def dataset_files(wildcards):
    """Input: the files of a data set or of the safety data; none where they come from the hub."""
    return files_named_by(study.dataset(wildcards.dataset))


def attack_files(wildcards):
    """Input: the files in which a suite's attacks are written, each once."""
    return sorted(set(study.attack_files(wildcards.suite).values()))


def attack_settings(wildcards):
    """Params: which file holds each attack on a suite's prompts, and which attacks are stacks of others, as flags."""
    return flags(
        {"attack_files": study.attack_files(wildcards.suite), "stacks": study.stacks(wildcards.suite)}
    )


def named_file(path):
    """Input: the file that the setting at a path of the study names; none where it is null."""

    def file(wildcards):
        return study[path.format(**wildcards)] or []

    return file


def template_of(wildcards):
    """Input: the file of the chat template that a local or hub model is given; none if it keeps its own."""
    return study.registry(wildcards.name)["template"] or []


def parts_of(wildcards):
    """Part of a local model → its files; none of one from the hub, whose commit says what it is."""
    entry = study.registry(wildcards.name)
    path, own = Path(entry.get("path", "")), Path(f"models/{wildcards.name}/model.json")
    if entry["kind"] != "local" or not path.is_dir():
        return {}
    allowed = {"allow_pickle": entry["allow_pickle"], "trusted": entry["trust_remote_code"]}
    return folder.parts(path, "local", **allowed, but=own)


def folder_files(wildcards):
    """Input: what is loaded of a local model's folder, by its content (see `folder_content`) and not by its times."""
    found = [str(path) for paths in parts_of(wildcards).values() for path in paths]
    # Snakemake would look for wildcards in some names; whether those files change is seen by their content alone.
    return [ancient(path) for path in found if not re.search("[{}<>]", path)]


def folder_content(wildcards):
    """Params: digests of the same files, read again only where size, times or inode of one changed."""
    return {part: folder.digest(paths) for part, paths in parts_of(wildcards).items()}


def content(*sources):
    """Params: a digest of source files, given as paths or as input functions.

    It tells a changed file that kept its old time, which Snakemake's own comparison misses. (A params
    function that asks for `input` is not compared between runs at all.)
    """

    def digest(wildcards):
        found = [source(wildcards) if callable(source) else source for source in sources]
        paths = [path for entry in found for path in ([entry] if isinstance(entry, str) else entry)]
        return sha256(*map(Path, paths))

    return digest


def made_content(path):
    """Params: a digest of a file that the workflow makes itself, as it is when the job is looked at; empty before."""

    def digest(wildcards):
        made = Path(path.replace("<results>", study["results"]).format(**wildcards))
        return sha256(made) if made.exists() else ""

    return digest


def demand(resource):
    """Threads or resource: what the study says of the job's model; memory and time grow with the attempt."""

    def amount(wildcards, attempt):
        entry = study.registry(wildcards.get("rm") or wildcards.model)
        return entry[resource] * (attempt if resource in ("mem_mb", "runtime") else 1)

    return amount


def fitted_judge(wildcards):
    """Input: the files of a judge that the workflow fits itself; none of any other."""
    if study["judges"][wildcards.judge]["by"] != "learned":
        return []
    return [f"<results>/judges/{wildcards.judge}.{suffix}" for suffix in ("json", "safetensors")]


def tuned_weights(wildcards):
    """Input: the weights that a tuning left, an adapter's or the whole model's; nothing for the untuned model."""
    tuning = parse_tuning(wildcards.tuning)
    if tuning == Tuning():
        return []
    file = "model" if wildcards.model in study.tuned_by("full") else "adapter_model"
    trained = tuning._replace(variant=study.trained_as(tuning.variant)).name
    return f"<results>/adapters/{wildcards.model}/{trained}/{file}.safetensors"


def prompts_of(wildcards):
    """Input: the prompts that a tuning answers: every suite, or the same as the variant was trained."""
    tuning = parse_tuning(wildcards.tuning)
    if tuning != Tuning() and (trained := study.trained_as(tuning.variant)) != tuning.variant:
        return f"<results>/prompts/as_trained/{tuning.dataset}/{trained}.parquet"
    return [f"<results>/prompts/{suite}.parquet" for suite in study["suites"]]


def siblings(wildcards, input):
    """Params: the tunings that a process may answer for beside its own, while it has their model loaded.

    Which they are makes no difference to a table: a params function that asks for `input` is not compared.
    """
    model, results = wildcards.model, study["results"]
    found = study.siblings(model, wildcards.tuning)
    folders = {kind: f"{results}/{kind}/{model}" for kind in ("adapters", "responses")}
    return flags({"siblings": found, **folders}) if found else ""


def after_tuning(wildcards):
    """Priority: what adapters answer waits for the others to be tuned; one process then answers for all of them."""
    return -1 if tuned_weights(wildcards) else 0
