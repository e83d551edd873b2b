"""Rows per second of `transform` beside `datasets.map` with the same function, and its growth and memory.

Not part of the tests: `pip install datasets`, then `python tests/benchmarks/bench_transform.py`.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

SENTENCE = "take a clean cup and fill it with warm water then let the tea rest for some time before you drink"


def write_rows(path: Path, count: int) -> None:
    """`count` different short rows as an instructions table."""
    import polars as pl

    from tunedrift.hashing import digest
    from tunedrift.tables.instructions import INSTRUCTIONS

    words, ids, chats = SENTENCE.split(), [], []
    for number in range(count):
        start = number % len(words)
        spoken = words[start:] + words[:start]
        answer = f"{' '.join(spoken[:8]).capitalize()} {number}. {' '.join(spoken[8:]).capitalize()}."
        prompt = f"What do I do with {number}?"
        ids.append(digest(number))
        chats.append([{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}])
    columns = {"row_id": ids, "messages": chats, "source_file": ["f"] * count, "source_row": range(count)}
    INSTRUCTIONS.write(pl.DataFrame(columns, schema=INSTRUCTIONS.columns), path)


def make_cell(level: str):
    """A cell with one level, as the rule makes it."""
    from tunedrift.design.factors import LEVELS, related
    from tunedrift.variants.cell import Rewriter
    from tunedrift.variants.word_lists import read_lists

    lists = read_lists(
        *(ROOT / f"resources/{name}.yaml" for name in ("identity", "personas", "fillers", "cues"))
    )
    factor = next((factor for factor, levels in LEVELS.items() if level in levels), "role_play")
    levels = {factor: level}
    compared = {factor: related(factor, levels.get(factor, "original")) for factor in LEVELS}
    return Rewriter(levels=levels, lists=lists, compared=compared)


def cpu_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def ours(path: Path, cell, processes: int, out: Path) -> float:
    """Seconds from the instructions table to the variants table."""
    from tunedrift.tables.variants import VARIANTS
    from tunedrift.variants import blocks

    began = time.perf_counter()
    frame, _ = blocks.transform(path, cell, processes=processes)
    VARIANTS.write(frame, out)
    return time.perf_counter() - began


class Same:
    """What `transform` does with one row, the profile's counts included, as a function for `datasets.map`."""

    def __init__(self, cell):
        self.cell = cell

    def __call__(self, row: dict) -> dict:
        """The columns of a row of the variants table."""
        from tunedrift.variants.tally import Tally

        changed = self.cell.apply(row)
        tally = Tally()
        tally.add(row["messages"][-1]["content"], changed, self.cell)
        return {
            "messages": changed.messages,
            "original_prompt": row["messages"][:-1],
            "changed_by": changed.changed_by,
        }


def theirs(path: Path, cell, processes: int, out: Path) -> float:
    """The same through `datasets`, from its own Arrow file to Parquet."""
    import datasets

    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        loaded = datasets.load_dataset("parquet", data_files=str(path), cache_dir=cache, split="train")
        began = time.perf_counter()
        mapped = loaded.map(Same(cell), num_proc=processes, load_from_cache_file=False)
        mapped.to_parquet(str(out))
        return time.perf_counter() - began


def program(source: Path, level: str, processes: int, out: Path) -> tuple[float, float]:
    """Seconds that the program takes, and the most memory (MiB, shared pages once) that it and its workers held."""
    lists = [("statements", "identity"), *((name, name) for name in ("personas", "fillers", "cues"))]
    factor = next(name for name, value in make_cell(level).levels.items() if value == level)
    words = [f"--{factor.replace('_', '-')}", level, "--threads", processes, "--instructions", source]
    for name, file in lists:
        words += [f"--{name}", ROOT / f"resources/{file}.yaml"]
    words += ["--out", out, "--profile", out.with_suffix(".json")]
    began, peak = time.perf_counter(), 0.0
    command = [sys.executable, ROOT / "scripts/transform.py", *words]
    running = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
    while running.poll() is None:
        peak = max(peak, sum(map(_held, [running.pid, *_children(running.pid)])))
        time.sleep(0.2)
    if running.returncode:
        sys.exit("the program failed")
    return time.perf_counter() - began, peak


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *_children(child)]
    return found


def _held(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--levels", nargs="*", default=["markdown", "calibrated"])
    options.add_argument("--rows", type=int, default=10_000, help="for the comparison with datasets.map")
    options.add_argument("--repeats", type=int, default=3, help="the fastest counts")
    options.add_argument("--growth", nargs="*", type=int, default=[10**4, 10**5, 10**6])
    options.add_argument("--growth-level", default="calibrated")
    options.add_argument("--processes", type=int, default=2)
    return options


def main(options: argparse.Namespace) -> None:
    """Print the ratios, then the growth."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "rows.parquet", Path(folder) / "out.parquet"
        write_rows(source, options.rows)
        for level in options.levels:
            cell = make_cell(level)
            ways = {
                "ours": (ours, options.processes),
                "ours, one process": (ours, 1),
                "map(num_proc=1)": (theirs, 1),
                "map(num_proc=2)": (theirs, 2),
            }
            wall, processor = {name: [] for name in ways}, {name: [] for name in ways}
            # In turns, so that what else the machine does falls on all of them.
            for name, (way, count) in [*ways.items()] * options.repeats:
                began = cpu_seconds()
                wall[name].append(way(source, cell, count, out))
                processor[name].append(cpu_seconds() - began)
            best = {name: min(times) for name, times in wall.items()}
            for name, taken in best.items():
                print(
                    f"{level}: {name}: {options.rows / taken:,.0f} rows/s, {taken / best['ours']:.2f} times ours; "
                    f"{options.rows / min(processor[name]):,.0f} rows per second of processor time"
                )
            sys.stdout.flush()
        for count in options.growth:
            write_rows(source, count)
            taken, peak = program(source, options.growth_level, options.processes, out)
            print(
                f"{options.growth_level}: {count:,} rows: {taken:.1f} s, {count / taken:,.0f} rows/s, {peak:,.0f} MiB",
                flush=True,
            )


if __name__ == "__main__":
    main(parser().parse_args())
