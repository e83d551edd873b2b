"""Answers side by side in one cache of keys and values: who is done leaves, and who waits takes the place.

Continuous batching after Yu et al. 2022 (Orca, OSDI), with a prefill of its own for those who enter, and what
prompts begin with alike computed once (as Zheng et al. 2024, SGLang, arXiv 2312.07104, with one beginning at a time).

All rows end at one column: a row's tokens are the last ones before it, and what lies to their left is masked,
as under left padding. So a step appends one column for all, and those who enter are written to end there too.
"""

import inspect
import os
from collections import deque
from collections.abc import Callable, Iterator, Set
from typing import Any

import torch
from transformers import (
    DynamicCache,
    GenerationConfig,
    GenerationMixin,
    LogitsProcessorList,
    PreTrainedModel,
)
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

Scores = Callable[[torch.Tensor, list[int]], torch.Tensor]
"""Logits (rows × vocabulary) and the numbers of the rows' prompts → scores of the same shape."""

SLACK = 64
"""Columns beyond need when room is made: all rows are copied once in so many steps."""

WORTH_SHARING = 16
"""Tokens that prompts must begin with alike, lest computing them apart cost more than it saves."""


def fits(model: PreTrainedModel, longest: int) -> bool:
    """Whether decoding by this module is what `model.generate` does, for up to `longest` tokens in a row.

    It is where the model's cache is nothing but the keys and values of all tokens (a sliding window that they
    all fit into counts), where the model says to each token its position, and where it leaves the steps
    of `generate` as they are. Rotary frequencies that change with the longest row would make rows hang on
    one another.
    """
    base = _base(model)
    if not isinstance(base, GenerationMixin) or _prompt_learning(model):
        return False
    own = [
        name
        for name, step in vars(GenerationMixin).items()
        if callable(step) and inspect.getattr_static(type(base), name) is not step
    ]
    takes = inspect.signature(base.forward).parameters
    needed = ("input_ids", "attention_mask", "position_ids", "past_key_values", "use_cache", "logits_to_keep")
    if own or base.config.is_encoder_decoder or base.is_remote_code() or not takes.keys() >= {*needed}:
        return False
    if not base._supports_default_dynamic_cache() or any(map(_changing_positions, base.modules())):
        return False
    return all(
        type(layer) is DynamicLayer
        or (type(layer) is DynamicSlidingWindowLayer and layer.sliding_window >= longest)
        for layer in DynamicCache(config=base.config).layers
    )


def _base(model: Any) -> Any:
    """The model under an adapter that lies beside its weights."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _prompt_learning(model: Any) -> bool:
    return any(config.is_prompt_learning for config in getattr(model, "peft_config", {}).values())


def _changing_positions(module: torch.nn.Module) -> bool:
    kinds = getattr(module, "rope_type", None)
    named = kinds.values() if isinstance(kinds, dict) else [kinds]
    return any("dynamic" in str(kind) or kind == "longrope" for kind in named)


class Layer(DynamicLayer):
    """One layer's keys and values: rows × heads × columns × width, in a block with room for more.

    The model reads rows `first` to `last` from column `start`, and writes from column `end`.
    """

    def __init__(self, rows: int):
        super().__init__()
        self.rows, self.columns = rows, 0
        self.first = self.last = self.start = self.end = 0

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any) -> tuple:
        """Writes keys and values of the next columns; returns those of all columns that the model reads."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = map(self._block, (key_states, value_states))
        rows, old, self.end = slice(self.first, self.last), self.end, self.end + key_states.shape[-2]
        self.keys[rows, :, old : self.end] = key_states
        self.values[rows, :, old : self.end] = value_states
        return self.keys[rows, :, self.start : self.end], self.values[rows, :, self.start : self.end]

    def get_seq_length(self) -> int:
        """Columns that the model reads before it writes."""
        return self.end - self.start

    def _block(self, like: torch.Tensor) -> torch.Tensor:
        # Zeros, since a masked column counts with the weight 0, and 0 times what is no number is no number.
        return like.new_zeros(self.rows, like.shape[1], self.columns, like.shape[3])

    def move(self, rows: int, start: int, end: int, place: int, columns: int) -> None:
        """A new block of so many columns, with the old columns of the first rows at `place`."""
        self.columns = columns
        for name in ("keys", "values") if self.is_initialized else ():
            old = getattr(self, name)
            new = self._block(old)
            new[:rows, :, place : place + end - start] = old[:rows, :, start:end]
            setattr(self, name, new)


class Rows:
    """The rows of one cache: how many tokens of each are in it, and what a model says next."""

    def __init__(self, model: PreTrainedModel, size: int, pad: int):
        self.model, self.size, self.pad = model, size, pad
        self.cache = DynamicCache(config=_base(model).config)
        self.layers = [Layer(size) for _ in self.cache.layers]
        self.cache.layers = self.layers
        self.lengths: list[int] = []
        self.start = self.end = self.columns = 0
        self.begun: list[int] = []
        self.beginning: list[tuple[torch.Tensor, torch.Tensor]] = []

    @torch.inference_mode()
    def step(self, tokens: list[int]) -> torch.Tensor:
        """Append one token to each row; returns logits (rows × vocabulary) of the one after it."""
        self._make_room(0, 1)
        self.lengths = [length + 1 for length in self.lengths]
        self.end += 1
        # On a processor a product of matrices takes longer for 9 to 15 rows than for 16: free rows go along.
        spare = 16 - len(tokens) if 8 < len(tokens) < 16 <= self.size else 0
        ids = [[token] for token in tokens] + [[self.pad]] * spare
        return self._forward(0, self.lengths + [1] * spare, self.start, ids)[: len(tokens)]

    @torch.inference_mode()
    def enter(self, prompts: list[list[int]], shared: int) -> torch.Tensor:
        """Append a row for each prompt; returns logits (prompts × vocabulary) of the token after it.

        All prompts begin with the same `shared` ids, fewer than any has. Equal prompts are computed once, and
        stand behind the first of their kind and behind all that differ.
        """
        places = {ids: place for place, ids in enumerate(dict.fromkeys(map(tuple, prompts)))}
        of_prompts = [places[tuple(prompt)] for prompt in prompts]
        first, lengths = len(self.lengths), [len(ids) for ids in places]
        width = max(lengths)
        self._make_room(width, 0)
        start = self.end - width
        self._begin(prompts[0][:shared])
        for row, length in enumerate(lengths, start=first):
            self._write_beginning(row, start + width - length, start + shared)
        padded = [[self.pad] * (width - len(ids)) + [*ids] for ids in places]
        logits = self._forward(first, lengths, start, [ids[shared:] for ids in padded])
        for row, place in enumerate(of_prompts[len(places) :], start=first + len(places)):
            self._copy(first + place, row, start)
        self.lengths += map(len, prompts)
        self.start = min(self.start, start)
        return logits[of_prompts]

    @torch.inference_mode()
    def leave(self, row: int) -> None:
        """Take a row out; the last one takes its number."""
        last = len(self.lengths) - 1
        if row != last:
            self._copy(last, row, self.start)
            self.lengths[row] = self.lengths[last]
        del self.lengths[last]
        self.start = self.end - max(self.lengths, default=0)

    def _copy(self, source: int, target: int, start: int) -> None:
        for layer in self.layers:
            for block in (layer.keys, layer.values):
                block[target, :, start : self.end] = block[source, :, start : self.end]

    def _make_room(self, before: int, behind: int) -> None:
        """See to it that so many columns lie before the one where rows end, and behind it."""
        if before <= self.end and self.end + behind <= self.columns:
            return
        used = self.end - self.start
        end = max(used, before)
        self.columns = end + behind + SLACK
        for layer in self.layers:
            layer.move(len(self.lengths), self.start, self.end, end - used, self.columns)
        self.start, self.end = end - used, end

    def _begin(self, ids: list[int]) -> None:
        """Compute keys and values of what the next prompts begin with, in a row that is free."""
        if ids == self.begun:
            return
        self.begun, self.beginning = ids, []
        if ids:
            row, start = len(self.lengths), self.end - len(ids)
            self._forward(row, [len(ids)], start, [ids])
            for layer in self.layers:
                keys, values = (block[row, :, start : self.end] for block in (layer.keys, layer.values))
                self.beginning.append((keys.clone(), values.clone()))

    def _write_beginning(self, row: int, start: int, end: int) -> None:
        """Write into the columns of a row what fits of the beginning."""
        for layer, kept in zip(self.layers, self.beginning, strict=False):  # none where nothing is shared
            for block, states in zip((layer.keys, layer.values), kept, strict=True):
                block[row, :, start:end] = states[:, : max(end - start, 0)]

    def _forward(self, first: int, lengths: list[int], start: int, ids: list[list[int]]) -> torch.Tensor:
        """Logits (rows × vocabulary) behind the last of `ids` (rows × columns), written to end where rows end.

        The rows are those from `first`, of which `lengths` says how many tokens they have then; `start` is the
        first column that the model reads.
        """
        for layer in self.layers:
            layer.first, layer.last = first, first + len(ids)
            layer.start, layer.end = start, self.end - len(ids[0])
        device = self.model.device
        padding = self.end - start - torch.tensor(lengths, device=device)[:, None]
        columns = torch.arange(self.end - start, device=device)
        return self.model(
            input_ids=torch.tensor(ids, device=device),
            attention_mask=(columns >= padding).long(),
            position_ids=(columns[-len(ids[0]) :] - padding).clamp(min=0),
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]


def decode(
    model: PreTrainedModel,
    prompts: list[list[int]],
    scores: Scores,
    *,
    stops: Set[int],
    pad: int,
    max_new_tokens: int,
    batch_size: int,
) -> Iterator[tuple[int, list[int]]]:
    """Yield each prompt's number and the ids that follow it, up to a stop with it, as soon as they end.

    The next id is the one with the largest of `scores`. At most `batch_size` rows are in the cache at a time.
    """
    few = max(1, batch_size // 8)
    waiting = deque((shared, deque(group)) for shared, group in groups(prompts, max(8, few)))
    rows = Rows(model, batch_size, pad)
    numbers: list[int] = []  # of the prompts, row by row
    made: dict[int, list[int]] = {}

    def take(logits: torch.Tensor, first: int) -> Iterator[tuple[int, list[int]]]:
        with torch.inference_mode():
            chosen = scores(logits, numbers[first:]).argmax(-1).tolist()
        for number, token in zip(numbers[first:], chosen, strict=True):
            made.setdefault(number, []).append(token)
        for row in reversed(range(first, len(numbers))):
            number = numbers[row]
            if made[number][-1] in stops or len(made[number]) == max_new_tokens:
                rows.leave(row)
                numbers[row] = numbers[-1]
                del numbers[-1]
                yield number, made.pop(number)

    while waiting or numbers:
        # One pass of the model for a few who enter costs less than one for each, and little while they wait.
        while waiting and len(numbers) <= batch_size - few:
            shared, group = waiting[0]
            count = min(len(group), batch_size - len(numbers))
            entering = _repeated_last([group.popleft() for _ in range(count)], prompts)
            if not group:
                waiting.popleft()
            logits = rows.enter([prompts[number] for number in entering], shared)
            numbers += entering
            yield from take(logits, len(numbers) - count)
        if numbers:
            yield from take(rows.step([made[number][-1] for number in numbers]), 0)


def decode_in_batches(
    model: PreTrainedModel,
    prompts: list[list[int]],
    scores: Scores,
    *,
    stops: Set[int],
    pad: int,
    max_new_tokens: int,
    batch_size: int,
) -> Iterator[tuple[int, list[int]]]:
    """As `decode`, by `model.generate` on a batch after the other, the longest prompts first: for any model."""
    model.generation_config = GenerationConfig(pad_token_id=pad, eos_token_id=sorted(stops))
    order = sorted(range(len(prompts)), key=lambda number: (-len(prompts[number]), prompts[number], number))
    for first in range(0, len(order), batch_size):
        batch = order[first : first + batch_size]
        width = len(prompts[batch[0]])
        padded = [[pad] * (width - len(prompts[number])) + prompts[number] for number in batch]
        mask = [[0] * (width - len(prompts[number])) + [1] * len(prompts[number]) for number in batch]
        with torch.inference_mode():
            output = model.generate(
                input_ids=torch.tensor(padded, device=model.device),
                attention_mask=torch.tensor(mask, device=model.device),
                max_new_tokens=max_new_tokens,
                logits_processor=LogitsProcessorList([lambda _, logits, batch=batch: scores(logits, batch)]),
            )
        for number, ids in zip(batch, output[:, width:].tolist(), strict=True):
            end = next((place for place, token in enumerate(ids) if token in stops), len(ids))
            yield number, ids[: end + 1]


def _repeated_last(numbers: list[int], prompts: list[list[int]]) -> list[int]:
    """The numbers, with those of repeated prompts at the end."""
    firsts = {tuple(prompts[number]): number for number in reversed(numbers)}
    return sorted(numbers, key=lambda number: firsts[tuple(prompts[number])] != number)


def groups(prompts: list[list[int]], least: int) -> list[tuple[int, list[int]]]:
    """Numbers of prompts in groups that begin alike, each with how many ids that is; the longest prompts first.

    A group has at least `least` prompts, and shares at least `WORTH_SHARING` ids more than a group that it was a
    part of; what is in none comes as a group that shares 0. A prompt is longer than what it shares.
    """
    found, alone = [], list[int]()
    undecided = [list(range(len(prompts)))]
    while undecided:
        group = undecided.pop()
        common = len(os.path.commonprefix([prompts[number] for number in group]))  # noqa: RUF071 (no paths)
        parts: dict[tuple[int, ...], list[int]] = {}
        for number in group:
            parts.setdefault(tuple(prompts[number][common : common + WORTH_SHARING]), []).append(number)
        deeper = [ids for ids, part in parts.items() if len(ids) == WORTH_SHARING and len(part) >= least]
        undecided += [parts.pop(ids) for ids in deeper]
        rest = [number for part in parts.values() for number in part]
        shared = min([common, *(len(prompts[number]) - 1 for number in rest)])
        if shared >= WORTH_SHARING and len(rest) >= least:
            found.append((shared, rest))
        else:
            alone += rest
    for _, group in [*found, (0, alone)]:
        group.sort(key=lambda number: (-len(prompts[number]), prompts[number], number))
    return sorted(
        (group for group in [*found, (0, alone)] if group[1]), key=lambda group: -len(prompts[group[1][0]])
    )
