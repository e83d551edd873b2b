"""A table of instructions through one cell, block by block, in one process or several.

Blocks, not processes, decide what is done together, and every row is done by itself: the number of
processes changes nothing but the time.
"""

import os
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import cast

import polars as pl

from tunedrift.tables.instructions import INSTRUCTIONS
from tunedrift.tables.variants import VARIANTS
from tunedrift.variants.cell import Changed, Rewriter
from tunedrift.variants.tally import Tally

SMALLEST, LARGEST = 250, 20_000
"""Rows of a block: enough to be worth sending, few enough to be held as Python objects."""

SHARES = 16
"""Blocks per process: many, so that none waits long for the last."""

NOTHING = pl.DataFrame(schema={name: INSTRUCTIONS.columns[name] for name in ("row_id", "messages")})

_given: list = []


def transform(
    path: str | Path, cell: Rewriter, *, safety: pl.DataFrame = NOTHING, processes: int = 1
) -> tuple[pl.DataFrame, Tally]:
    """Rows of the variants table for the instructions in the file `path`, and the counts of what changed.

    `safety` holds chats that take the place of the instructions with the same row_id; the cell leaves
    them alone.
    """
    row_ids = pl.scan_parquet(path).select("row_id").collect().to_series().to_list()
    cell, total = cell.dosed(row_ids), len(row_ids)
    size = min(LARGEST, max(SMALLEST, -(-total // (SHARES * processes))))
    blocks = range(0, max(1, total), size)
    results = _pooled if processes > 1 and len(blocks) > 1 else _in_turn
    frames, tally = [], Tally()
    for frame, counts in results(blocks, size, processes, (path, cell, safety)):
        frames.append(frame)
        tally += counts
    return pl.concat(frames), tally


def transform_block(frame: pl.DataFrame, cell: Rewriter, safety: pl.DataFrame) -> tuple[pl.DataFrame, Tally]:
    """`transform` for instructions in memory."""
    frame = INSTRUCTIONS.check(frame, "instructions")
    answers = frame["messages"].list.last().struct.field("content")
    lengths = frame["messages"].list.eval(pl.element().struct.field("content").str.len_chars()).list.sum()
    frame = frame.update(safety, on="row_id")
    mixed_in = set(safety["row_id"])
    made, tally = [], Tally()
    rows = frame.select("row_id", "messages").iter_rows(named=True)
    for row, answer in zip(rows, answers, strict=True):
        if row["row_id"] in mixed_in:
            changed = Changed(row["messages"], ["safety_mix"], {"safety_mix"})
        else:
            changed = cell.apply(row)
        tally.add(answer, changed, cell)
        made.append(changed)
    prompt = pl.col("messages").list.head(pl.col("messages").list.len() - 1)
    columns = {
        "row_id": frame["row_id"],
        "messages": pl.Series([row.messages for row in made], dtype=VARIANTS.columns["messages"]),
        "original_prompt": frame.select(prompt).to_series(),
        "original_length": lengths.cast(pl.UInt32),
        "put_before": pl.Series([row.put_before for row in made], dtype=pl.UInt32),
        "put_behind": pl.Series([row.put_behind for row in made], dtype=pl.UInt32),
        "changed_by": pl.Series([row.changed_by for row in made], dtype=VARIANTS.columns["changed_by"]),
    }
    return pl.DataFrame(columns, schema=VARIANTS.columns), tally


def _in_turn(blocks: range, size: int, _: int, given: tuple) -> Iterator[tuple[pl.DataFrame, Tally]]:
    for start in blocks:
        yield _block(start, size, *given)


def _pooled(blocks: range, size: int, processes: int, given: tuple) -> Iterator[tuple[pl.DataFrame, Tally]]:
    # Polars' own threads would only contend; a forked process could inherit its locks.
    os.environ["POLARS_MAX_THREADS"] = "1"
    spawned = get_context("spawn")
    with ProcessPoolExecutor(processes - 1, mp_context=spawned, initializer=_give, initargs=given) as pool:
        left, sent, own, turn = deque(blocks), {}, {}, threading.Lock()

        def send(_: object = None) -> None:
            with turn:
                start = left.pop() if left else None
                if start is not None:
                    sent[start] = pool.submit(_pooled_block, start, size)
            if start is not None:
                sent[start].add_done_callback(send)

        def take() -> int | None:
            with turn:
                return left.popleft() if left else None

        # The others get blocks from the end, with one more each in hand so that none waits for the next;
        # this process works towards them from the front, also while they start.
        for _ in range(2 * (processes - 1)):
            send()
        while (start := take()) is not None:
            own[start] = _block(start, size, *given)
        for start in blocks:
            yield own[start] if start in own else sent[start].result()


def _give(*given: object) -> None:
    _given.extend(given)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    cast(BaseProcess, parent_process()).join()
    os._exit(1)


def _pooled_block(start: int, size: int) -> tuple[pl.DataFrame, Tally]:
    return _block(start, size, *_given)


def _block(
    start: int, size: int, path: str | Path, cell: Rewriter, safety: pl.DataFrame
) -> tuple[pl.DataFrame, Tally]:
    frame = pl.scan_parquet(path).slice(start, size).collect()
    own = safety.filter(pl.col("row_id").is_in(frame["row_id"].implode()))
    made, tally = transform_block(frame, cell, own)
    # What is built from Python objects holds several times the memory that its values need.
    return pl.read_ipc(made.write_ipc(None).getvalue()), tally
