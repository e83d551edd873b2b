"""Wrap a suite of prompts: each prompt plain and under each attack."""

import argparse
from pathlib import Path

from tunedrift.flags import Pairs
from tunedrift.jobs import cli
from tunedrift.sources import hub


def parser() -> argparse.ArgumentParser:
    """The command line of this program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--suite", required=True, help="the suite's name")
    options.add_argument(
        "--kind", required=True, choices=("harmful", "safe", "utility"), help="what the prompts are"
    )
    hub.add_source_options(options)
    options.add_argument(
        "--columns",
        nargs="+",
        action=Pairs,
        metavar="ROLE=COLUMN",
        help="roles: prompt, id, category, stratum, reference, context, language, method, asked; all but asked by their "
        "own names if left out",
    )
    options.add_argument("--layout", help="the public suite as which the files are laid out, e.g. harmbench")
    options.add_argument("--language", help="the prompts' language, or that of several to take, e.g. en")
    options.add_argument(
        "--keep", nargs="+", action=Pairs, metavar="COLUMN=VALUE", help="keep rows with these values"
    )
    options.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether a CSV file begins with its column names; else they are 1, 2, …",
    )
    options.add_argument("--attacks", nargs="*", default=[], help="attacks beside the plain prompts")
    options.add_argument(
        "--attack-files",
        nargs="*",
        action=Pairs,
        metavar="ATTACK=FILE",
        help="the YAML file of each attack, of those in stacks too",
    )
    options.add_argument(
        "--stacks",
        nargs="*",
        action=Pairs,
        metavar="ATTACK=FIRST+SECOND",
        help="attacks that are made of others, which act from the first to the last",
    )
    options.add_argument("--n", type=int, help="how many plain prompts to keep; all if left out")
    options.add_argument("--seed", type=int, default=0, help="which n prompts")
    options.add_argument("--licence", help="licence of the prompts; that of the release if left out")
    options.add_argument(
        "--max-rejected", type=float, default=0.05, help="the share of unusable prompts to bear"
    )
    options.add_argument("--out", required=True, type=Path, help="the prompts table")
    options.add_argument("--rejects", type=Path, help="CSV of the rows left out: file, row, reason")
    return options


def main(options: argparse.Namespace) -> None:
    """Read the prompts, wrap them, and write the table."""
    from tunedrift.prompts import fields, releases
    from tunedrift.prompts.attacks import read_attacks, wrap
    from tunedrift.prompts.suites import REPEAT, read_prompts
    from tunedrift.sources.finding import find_files
    from tunedrift.sources.reading import read_rows
    from tunedrift.sources.rows import write_rejects
    from tunedrift.tables.prompts import PROMPTS

    name = options.suite
    files = find_files(hub.source(options, name))
    header = options.header and not fields.maybe_headerless(options.layout)
    source = list(read_rows(list(map(str, files)), header=header, in_object=fields.in_object))
    prompts, rejects = read_prompts(
        source,
        suite=name,
        kind=options.kind,
        layout=options.layout,
        mapping=options.columns,
        keep=options.keep,
        language=options.language,
        n=options.n,
        seed=options.seed,
        max_rejected=options.max_rejected,
    )
    rows = wrap(
        prompts,
        suite=name,
        kind=options.kind,
        attacks=options.attacks,
        known=read_attacks(options.attack_files or {}),
        stacks={stack: parts.split("+") for stack, parts in (options.stacks or {}).items()},
    )
    release = releases.recognise(files, source, options.layout, options.licence)
    kept = {"release": str(release), "licence": release.licence, "left_out": str(len(rejects))}
    PROMPTS.write(PROMPTS.frame(rows), options.out, made_with=kept)
    if options.rejects:
        write_rejects(rejects, options.rejects)
    repeats = sum(reject.reason.startswith(REPEAT) for reject in rejects)
    print(
        f"{name}: {len(prompts)} prompts, {len(rows)} with attacks; left out: {repeats} repeats, "
        f"{len(rejects) - repeats} other rows"
    )
    for reject in rejects[:5]:
        print(f"{name}: left out row {reject.row} of {reject.file}: {reject.reason}")
    print(f"{name}: {release}; licence {release.licence}")
    for remark in (releases.terms(release.licence), *fields.remarks(options.layout, prompts)):
        if remark:
            print(f"{name}: {remark}")


if __name__ == "__main__":
    cli.run(main, parser())
