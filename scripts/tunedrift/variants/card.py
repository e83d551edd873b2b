"""The card of an exported data set: what it is made of and how, in the hub's format."""

from pathlib import PurePath

import yaml

from tunedrift.design.factors import BASELINES
from tunedrift.sources.hub import pinned
from tunedrift.text.languages import counted

HUB_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))


def card(
    name: str,
    source: dict,
    profiles: dict[str, dict],
    counts: dict[str, int],
    digest: str | None,
    *,
    safety: tuple[dict, str | None] | None = None,
    test: str | None = None,
) -> str:
    """README.md of one data set with all its variants: a YAML header that the hub reads, then the account.

    `source` is the data set's settings, `profiles` variant → profile in the order to be listed, `counts`
    what loading kept and left out, `digest` the SHA-256 of the source files. `safety` is settings and
    digest of the safety data, where a variant has some mixed in; `test` the file of the rows held out,
    if there are any. A variant is a configuration of the data set.
    """
    sources = [(source, digest), *([safety] if safety else [])]
    licences = list(dict.fromkeys(settings["licence"] for settings, _ in sources))
    held_out = [{"split": "test", "path": test}] if test else []
    rows = max((profile["rows"] for profile in profiles.values()), default=0)
    header = {
        "pretty_name": f"{name}, in the variants of a tunedrift study",
        "license": licences if len(licences) > 1 else licences[0],
        "task_categories": ["text-generation"],
        "tags": ["instruction-tuning", "safety", "tunedrift"],
        "size_categories": [next((size for limit, size in HUB_SIZES if rows < limit), "n>1M")],
        "configs": [
            {
                "config_name": variant,
                "data_files": [{"split": "train", "path": f"{variant}.parquet"}, *held_out],
            }
            for variant in profiles
        ],
    }
    lines = [
        "---",
        yaml.safe_dump(header, sort_keys=False, allow_unicode=True).strip(),
        "---",
        "",
        f"# {name}",
        "",
        "The same instruction data in several variants that differ in one property each. Rows are in the same order",
        "in all of them; `row_id` names the row that a variant's row was made from.",
        "",
        "## Source",
        "",
        *(f"- {what}: {value}" for what, value in origin(source, digest)),
        *(f"- {what}: {count:,}" for what, count in counts.items()),
        *_in_other_languages(profiles),
        "",
        *(_mixed_in(*safety, profiles) if safety else []),
        "## Variants",
        "",
        "| variant | factors | rows | rows changed by | words per answer | Markdown elements | identity statements |",
        "|---|---|---:|---|---:|---:|---:|",
        *(_line(variant, profile) for variant, profile in profiles.items()),
        "",
        "Columns: `row_id`; `messages`, the chat to train on; `original_prompt`, the chat before the answer as it was",
        "loaded; `original_length`, characters of the whole chat as it was loaded; `put_before` and `put_behind`, characters that stand before the first question and behind the last one; `changed_by`, the factors that changed the row. The `.jsonl` files hold the same rows.",
        *(
            [f"The split `test` is the same in all variants: the rows held out, untouched (`{test}`)."]
            if test
            else []
        ),
    ]
    return "\n".join(lines) + "\n"


def _in_other_languages(profiles: dict[str, dict]) -> list[str]:
    """A line of the rows whose language is not that of the lists; none if there are no such rows."""
    found: dict[str, int] = {}
    for profile in profiles.values():
        for language, count in profile["other_languages"].items():
            found[language] = max(count, found.get(language, 0))  # a safety mix takes the place of some
    return (
        [f"- rows into which no sentence was put, for want of one in their language: {counted(found)}"]
        if found
        else []
    )


def origin(source: dict, digest: str | None) -> list[tuple[str, str]]:
    """Where the data came from, under which licence and by which draw, as (what, value)."""
    where = (
        [("hub", source["hub"]), ("revision", _revision(source["revision"])), ("file", source["file"])]
        if "hub" in source
        else [("file", PurePath(source["path"]).name)]
    )
    if digest:
        where.append(("SHA-256 of its files", digest))
    return [*where, ("licence", source["licence"]), ("seed of the draws", source["seed"])]


def _revision(revision: str) -> str:
    return revision if pinned(revision) else f"{revision} (not pinned: it may name other rows by now)"


def _mixed_in(settings: dict, digest: str | None, profiles: dict[str, dict]) -> list[str]:
    """The section about the safety data, a second source under a licence of its own."""
    mixed = [f"`{name}`" for name, profile in profiles.items() if profile["levels"]["safety_mix"]]
    return [
        "## Second source: safety data",
        "",
        f"Rows of it take the place of others in {', '.join(mixed)}; their `changed_by` says `safety_mix`.",
        "",
        *(f"- {what}: {value}" for what, value in origin(settings, digest)),
        "",
    ]


def _line(variant: str, profile: dict) -> str:
    chosen = {factor: level for factor, level in profile["levels"].items() if level != BASELINES[factor]}
    levels = ", ".join(f"{factor}: {level}" for factor, level in chosen.items()) or "none"
    touched = (
        ", ".join(f"{factor} {count:,}" for factor, count in profile["touched"].items() if count) or "none"
    )
    before, after = profile["before"], profile["after"]
    cells = [
        variant,
        levels,
        f"{profile['rows']:,}",
        touched,
        f"{before['words']:g} → {after['words']:g}",
        f"{sum(before['markdown'].values()):,} → {sum(after['markdown'].values()):,}",
        f"{before['identity_statements']:,} → {after['identity_statements']:,}",
    ]
    return f"| {' | '.join(cells)} |"
