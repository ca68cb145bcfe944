"""Continuous batching: a slot that becomes free takes the next request while the others continue.

A batch that runs until its longest text ends leaves most of its rows idle (Orca, OSDI 2022). Here
the device writes tokens in compiled blocks of steps; between blocks the host takes out finished
texts and inserts waiting requests. The k samples of a problem share one prefill of its prompt.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import jax
import numpy as np
from flax import nnx

from data.errors import UserError
from pipeline import distributed
from pipeline.attention import columns, fit_slots
from pipeline.config import PROMPTS_FRACTION
from pipeline.generate.decode import Inserts, Prompts, Slots, compiled_steps, free_slots
from pipeline.generate.requests import Completion, Finished, Request, never
from pipeline.generate.sampling import settings_of
from pipeline.generate.scheduler import Prompt, Queue
from pipeline.generate.speed import Speed
from pipeline.model import Tokenizer, mesh_of, on_mesh

BLOCK = 64  # most steps between two checks for finished texts
IDLE = 16  # a block ends early when 1/16 of the slots are free and requests wait


class Engine:
    """Completions by a Gemma 3 in memory, adapters included; its weights are not copied.

    slots: texts that are written at a time; sharded over the mesh of the weights
    """

    def __init__(
        self,
        model: nnx.Module,
        tokenizer: Tokenizer,
        *,
        slots: int,
        max_prompt_tokens: int,
        max_tokens: int,
    ) -> None:
        if slots < 1:
            raise UserError(f"an engine needs at least 1 slot, got {slots}")
        self.model, self.tokenizer, self.mesh = model, tokenizer, mesh_of(model)
        self.slots, self.max_tokens = slots, max_tokens
        self.max_prompt_tokens = max_prompt_tokens
        self.at_once = max(1, slots // PROMPTS_FRACTION)
        self.speed = Speed()
        self._tree = jax.tree.structure(nnx.state(model))
        self._steps = compiled_steps(model, tokenizer.stop_ids(), self.mesh)
        self._free_slots = jax.jit(self._new_slots)

    def generate(
        self, requests: Sequence[Request], should_stop: Callable[[], bool] = never
    ) -> Iterator[Finished]:
        """The completions of `requests` as they finish, each with the index of its request.

        A request's tokens depend on its prompt, sampling and seed alone. The weights are read when
        the first completion is taken from the iterator. `should_stop` is called after each block
        of steps that leaves texts unfinished, once what has finished is taken.
        """
        self.speed = Speed()
        return _Call(self, requests).finished(should_stop)

    def stream(
        self, requests: Sequence[Request], should_stop: Callable[[], bool] = never
    ) -> Iterator[Finished]:
        """The completions of `requests` after each token, with the tokens that `generate` gives.

        A completion that is not finished has the finish "".
        """
        self.speed = Speed()
        return _Call(self, requests, steps=1).growing(should_stop)

    def _new_slots(self) -> Slots:
        model: Any = self.model
        tokens = self.max_prompt_tokens + self.max_tokens
        if fit_slots(model):
            tokens = columns(tokens)
        dtype = model.embedder.input_embedding[...].dtype
        return on_mesh(free_slots(model, self.slots, tokens, self.max_tokens, dtype), self.mesh)

    def weights(self) -> list[jax.Array]:
        """The current arrays of the model, not copied."""
        leaves, tree = jax.tree.flatten(nnx.state(self.model))
        if tree != self._tree:
            raise ValueError(
                "the model's parameters are not those that the engine was built for; build a new"
                " engine after adapters were added or removed"
            )
        return leaves

    def encoded(self, requests: Sequence[Request]) -> list[tuple[int, ...]]:
        """The prompt of each request as ids; raises UserError for a request that does not fit."""
        ids_of: dict[str, tuple[int, ...]] = {}
        for request in requests:
            if request.prompt not in ids_of:
                ids_of[request.prompt] = tuple(self.tokenizer.encode(request.prompt))
        for request in requests:
            length = len(ids_of[request.prompt])
            limit = min(self.max_prompt_tokens, request.sampling.max_prompt_tokens)
            if length > limit:
                raise UserError(
                    f"a prompt has {length} tokens, the limit is {limit}; leave out long prompts"
                    " before (fitting) or raise max_prompt_tokens"
                )
        if () in ids_of.values():
            raise UserError("a prompt has no tokens; expected the whole text, template included")
        vocabulary = self.model.config.num_embed  # type: ignore[attr-defined]
        for request in requests:
            self._check(request, vocabulary)
        return [ids_of[request.prompt] for request in requests]

    def _check(self, request: Request, vocabulary: int) -> None:
        sampling = request.sampling
        if sampling.top_k > vocabulary:
            raise UserError(
                f"top_k is {sampling.top_k}, but the model's vocabulary has {vocabulary} tokens;"
                " set a smaller top_k, or 0 for all"
            )
        if sampling.max_tokens > self.max_tokens:
            raise UserError(
                f"max_tokens is {sampling.max_tokens}, but the engine was built for"
                f" {self.max_tokens}; build one for more"
            )
        if not 0 <= request.seed < 2**64:
            raise UserError(f"a seed must be between 0 and 2**64 - 1, got {request.seed}")


class _Call:
    """The state of one call of `generate`: waiting requests, prompts that were read, slots.

    steps: most steps of a block
    """

    def __init__(self, engine: Engine, requests: Sequence[Request], steps: int = BLOCK) -> None:
        self.engine, self.requests, self.speed = engine, requests, engine.speed
        self.steps = steps
        expected = [request.expected_tokens for request in requests]
        self.queue = Queue.of(engine.encoded(requests), expected, engine.max_prompt_tokens)
        self.read: Prompts | None = None  # on the device
        self.waiting: deque[Prompt] = deque()  # prompts in `read` that still have requests
        self.in_slot: list[int | None] = [None] * engine.slots  # index of the slot's request

    def finished(self, should_stop: Callable[[], bool]) -> Iterator[Finished]:
        for _, done in self._blocks(should_stop):
            yield from done

    def growing(self, should_stop: Callable[[], bool]) -> Iterator[Finished]:
        """The finished texts of each block, then those that are being written."""
        for slots, done in self._blocks(should_stop):
            yield from done
            yield from self._unfinished(slots)

    def _blocks(self, should_stop: Callable[[], bool]) -> Iterator[tuple[Slots, list[Finished]]]:
        """The slots after each block of steps, and the texts that it finished.

        The slots are valid until the next block: their arrays are donated to it.
        """
        engine, speed = self.engine, self.speed
        with engine.mesh or nullcontext():
            weights, slots = engine.weights(), engine._free_slots()
        while True:
            begin = time.perf_counter()
            with engine.mesh or nullcontext():
                slots = self._fill(slots, weights)
                more = bool(self.waiting or self.queue.prompts)
                slots = self._write(slots, weights, more)
            done = self._take_finished(slots)
            speed.seconds += time.perf_counter() - begin
            yield slots, done
            if not more and not any(index is not None for index in self.in_slot):
                return
            if should_stop():
                return

    def _fill(self, slots: Slots, weights: list[jax.Array]) -> Slots:
        """`slots` with requests in all that are free, as long as any request waits."""
        while (free := [slot for slot, index in enumerate(self.in_slot) if index is None]) and (
            self.waiting or self.queue.prompts
        ):
            if not self.waiting:
                self._read_prompts(weights)
            slots = self._insert(slots, free)
        return slots

    def _read_prompts(self, weights: list[jax.Array]) -> None:
        """Prefill of the next few prompts of the queue."""
        engine, begin = self.engine, time.perf_counter()
        prompts = self.queue.take(engine.at_once)
        ids = np.zeros((engine.at_once, prompts[0].bucket), np.int32)
        lengths = np.ones(engine.at_once, np.int32)
        for row, prompt in enumerate(prompts):
            prompt.row = row
            ids[row, : len(prompt.ids)] = prompt.ids
            lengths[row] = len(prompt.ids)
        self.read = jax.block_until_ready(engine._steps.read(weights, ids, lengths))
        self.waiting = deque(prompts)
        self.speed.prompts += len(prompts)
        self.speed.reading += time.perf_counter() - begin

    def _insert(self, slots: Slots, free: list[int]) -> Slots:
        """`slots` with waiting requests in the first of the slots `free`."""
        engine = self.engine
        sources = np.zeros(engine.at_once, np.int32)
        targets = np.full(engine.at_once, engine.slots, np.int32)  # out of range: skipped
        limit = np.ones(engine.at_once, np.int32)
        inserted: list[Request] = []
        for number, slot in enumerate(free[: engine.at_once]):
            if not self.waiting:
                break
            prompt = self.waiting[0]
            index = prompt.waiting.popleft()
            request = self.requests[index]
            inserted.append(request)
            sources[number], targets[number] = prompt.row, slot
            limit[number] = request.sampling.max_tokens
            self.in_slot[slot] = index
            if not prompt.waiting:
                self.waiting.popleft()
        settings = settings_of(inserted, engine.at_once)
        return engine._steps.insert(slots, self.read, Inserts(sources, targets, limit, settings))

    def _write(self, slots: Slots, weights: list[jax.Array], more: bool) -> Slots:
        """`slots` after a block of steps.

        more: whether requests wait; the block then ends early, once enough slots are free
        """
        engine, begin = self.engine, time.perf_counter()
        max_free = max(1, engine.slots // IDLE) if more else engine.slots + 1
        slots, counts = engine._steps.write(
            weights, slots, np.int32(self.steps), np.int32(max_free)
        )
        steps, tokens = (int(count) for count in distributed.whole(counts))
        self.speed.slot_steps += steps * engine.slots
        self.speed.decoded += tokens
        self.speed.writing += time.perf_counter() - begin
        return slots

    def _take_finished(self, slots: Slots) -> list[Finished]:
        """The finished texts, lowest slot first; their slots become free."""
        live, written = distributed.whole((slots.live, slots.written))
        done = {
            slot: index
            for slot, index in enumerate(self.in_slot)
            if index is not None and not live[slot]
        }
        if not done:
            return []
        any_logprobs = any(self.requests[index].logprobs for index in done.values())
        tokens = distributed.whole(slots.tokens)
        logp = distributed.whole(slots.logp) if any_logprobs else None
        finished = []
        for slot, index in done.items():
            self.in_slot[slot] = None
            ids = tokens[slot, : written[slot]].copy()
            logprobs = None
            if logp is not None and self.requests[index].logprobs:
                logprobs = logp[slot, : written[slot]].copy()
            finished.append((index, self._completion(ids, logprobs)))
            self.speed.tokens += len(ids)
        self.speed.requests += len(finished)
        return finished

    def _unfinished(self, slots: Slots) -> list[Finished]:
        """The texts that are being written, without the start of a character of several tokens."""
        written, tokens = distributed.whole((slots.written, slots.tokens))
        texts = []
        for slot, index in enumerate(self.in_slot):
            if index is not None:
                ids = tokens[slot, : written[slot]].copy()
                text = self.engine.tokenizer.decode(ids.tolist()).rstrip("\ufffd")
                texts.append((index, Completion(text, ids, "")))
        return texts

    def _completion(self, ids: np.ndarray, logprobs: np.ndarray | None) -> Completion:
        tokenizer = self.engine.tokenizer
        if ids[-1] in tokenizer.stop_ids():
            return Completion(tokenizer.decode(ids[:-1].tolist()), ids, "stop", logprobs)
        return Completion(tokenizer.decode(ids.tolist()), ids, "length", logprobs)
