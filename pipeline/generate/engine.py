"""Continuous batching: a slot that falls free takes the next request while the others write on.

A batch that runs until its longest text ends leaves most of its rows idle (Orca, OSDI 2022). Here
the device writes in compiled blocks of steps; between them the host takes out what has finished
and puts in what waits. The k samples of a problem share one reading of its prompt.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from flax import nnx

from data.errors import UserError
from pipeline import distributed
from pipeline.config import PROMPTS_FRACTION
from pipeline.generate.decode import Inserts, Prompts, Slots, no_texts, steps_of
from pipeline.generate.requests import Completion, Finished, Request
from pipeline.generate.sampling import settings_of
from pipeline.generate.scheduler import Prompt, Queue
from pipeline.model import Tokenizer, on_mesh
from pipeline.model.mesh import mesh_of

BLOCK = 64  # most steps between two looks at what has finished
IDLE = 16  # one part in so many may be free before the others wait for it to be filled


@dataclass
class Speed:
    """What one call of `generate` did, up to now."""

    requests: int = 0  # finished
    prompts: int = 0  # read; requests with one prompt share it
    tokens: int = 0  # written
    slot_steps: int = 0  # steps times slots: what a perfect schedule would fill with tokens
    decoded: int = 0  # tokens of those steps; the first of a text comes from its prompt
    reading: float = 0.0  # seconds, of prompts
    writing: float = 0.0  # seconds, of decode
    seconds: float = 0.0  # with all between, but for what the caller does meanwhile

    @property
    def occupancy(self) -> float:
        """Share of the slots' steps that wrote a token."""
        return self.decoded / self.slot_steps if self.slot_steps else 0.0

    def as_json(self) -> dict[str, float]:
        """What a summary tells; all 0 where nothing was generated."""
        return {
            "tokens_per_second": round(self.tokens_per_second, 1),
            "generations_per_second": round(self.requests_per_second, 2),
            "occupancy": round(self.occupancy, 3),
            "prefill_seconds": round(self.reading, 2),
            "decode_seconds": round(self.writing, 2),
        }

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds if self.seconds else 0.0

    @property
    def requests_per_second(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0


class Engine:
    """Completions by a Gemma 3 in memory; adapters take part, and its weights stay where they are.

    slots: texts that are written at a time; on the mesh of the weights, sharded over its axes.
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
        self._steps = steps_of(model, tokenizer.stop_ids(), self.mesh)
        self._no_texts = jax.jit(self._made_free)

    def generate(self, requests: Sequence[Request]) -> Iterator[Finished]:
        """The completions of `requests` as they finish, each with the place of its request.

        A request's tokens depend on its prompt, sampling and seed alone. The weights are those
        that the model has when the first completion is asked for.
        """
        self.speed = Speed()
        return _Call(self, requests).finished()

    def _made_free(self) -> Slots:
        model: Any = self.model
        tokens = self.max_prompt_tokens + self.max_tokens
        dtype = model.embedder.input_embedding[...].dtype
        return on_mesh(no_texts(model, self.slots, tokens, self.max_tokens, dtype), self.mesh)

    def weights(self) -> list[jax.Array]:
        """The arrays of the model as it is now; none is copied."""
        leaves, tree = jax.tree.flatten(nnx.state(self.model))
        if tree != self._tree:
            raise ValueError(
                "the model has other parameters than when the engine was made; make a new engine"
                " after adapters were added or removed"
            )
        return leaves

    def encoded(self, requests: Sequence[Request]) -> list[tuple[int, ...]]:
        """The prompt of each request as ids; a request that does not fit is refused."""
        known: dict[str, tuple[int, ...]] = {}
        for request in requests:
            if request.prompt not in known:
                known[request.prompt] = tuple(self.tokenizer.encode(request.prompt))
        for request in requests:
            length = len(known[request.prompt])
            limit = min(self.max_prompt_tokens, request.sampling.max_prompt_tokens)
            if length > limit:
                raise UserError(
                    f"a prompt has {length} tokens, the limit is {limit}; leave out long prompts"
                    " before (fitting) or raise max_prompt_tokens"
                )
        if () in known.values():
            raise UserError("a prompt has no tokens; expected the whole text, template included")
        vocabulary = self.model.config.num_embed  # type: ignore[attr-defined]
        for request in requests:
            self._check(request, vocabulary)
        return [known[request.prompt] for request in requests]

    def _check(self, request: Request, vocabulary: int) -> None:
        sampling = request.sampling
        if sampling.top_k > vocabulary:
            raise UserError(
                f"top_k is {sampling.top_k}, but the model knows {vocabulary} tokens;"
                " set a smaller top_k, or 0 for all"
            )
        if sampling.max_tokens > self.max_tokens:
            raise UserError(
                f"max_tokens is {sampling.max_tokens}, but the engine was made for"
                f" {self.max_tokens}; make one for more"
            )
        if not 0 <= request.seed < 2**64:
            raise UserError(f"a seed lies between 0 and 2**64 - 1, got {request.seed}")


class _Call:
    """One call of `generate`: what waits, what is read, what is in which slot."""

    def __init__(self, engine: Engine, requests: Sequence[Request]) -> None:
        self.engine, self.requests, self.speed = engine, requests, engine.speed
        self.queue = Queue.of(engine.encoded(requests), engine.max_prompt_tokens)
        self.read: Prompts | None = None  # on the device
        self.waiting: deque[Prompt] = deque()  # of those, the prompts whose requests wait
        self.held: list[int | None] = [None] * engine.slots  # the place of each slot's request

    def finished(self) -> Iterator[Finished]:
        engine, speed = self.engine, self.speed
        with engine.mesh or nullcontext():
            weights, slots = engine.weights(), engine._no_texts()
        while True:
            begin = time.perf_counter()
            with engine.mesh or nullcontext():
                slots = self._filled(slots, weights)
                left = bool(self.waiting or self.queue.prompts)
                slots = self._written(slots, weights, left)
            done = self._taken_out(slots)
            speed.seconds += time.perf_counter() - begin
            yield from done
            if not left and not any(place is not None for place in self.held):
                return

    def _filled(self, slots: Slots, weights: list[jax.Array]) -> Slots:
        """`slots` with requests in all that are free, as far as there are any."""
        while (free := [slot for slot, place in enumerate(self.held) if place is None]) and (
            self.waiting or self.queue.prompts
        ):
            if not self.waiting:
                self._read_prompts(weights)
            slots = self._put_in(slots, free)
        return slots

    def _read_prompts(self, weights: list[jax.Array]) -> None:
        engine, begin = self.engine, time.perf_counter()
        taken = self.queue.take(engine.at_once)
        ids = np.zeros((engine.at_once, taken[0].bucket), np.int32)
        lengths = np.ones(engine.at_once, np.int32)
        for row, prompt in enumerate(taken):
            prompt.row = row
            ids[row, : len(prompt.ids)] = prompt.ids
            lengths[row] = len(prompt.ids)
        self.read = jax.block_until_ready(engine._steps.read(weights, ids, lengths))
        self.waiting = deque(taken)
        self.speed.prompts += len(taken)
        self.speed.reading += time.perf_counter() - begin

    def _put_in(self, slots: Slots, free: list[int]) -> Slots:
        """`slots` with waiting requests in the first of those that are `free`."""
        engine = self.engine
        sources = np.zeros(engine.at_once, np.int32)
        targets = np.full(engine.at_once, engine.slots, np.int32)  # no slot
        limit = np.ones(engine.at_once, np.int32)
        chosen: list[Request] = []
        for number, slot in enumerate(free[: engine.at_once]):
            if not self.waiting:
                break
            prompt = self.waiting[0]
            place = prompt.waiting.popleft()
            request = self.requests[place]
            chosen.append(request)
            sources[number], targets[number] = prompt.row, slot
            limit[number] = request.sampling.max_tokens
            self.held[slot] = place
            if not prompt.waiting:
                self.waiting.popleft()
        settings = settings_of(chosen, engine.at_once)
        return engine._steps.insert(slots, self.read, Inserts(sources, targets, limit, settings))

    def _written(self, slots: Slots, weights: list[jax.Array], left: bool) -> Slots:
        """`slots` after a block of steps, which ends early when something can be put in."""
        engine, begin = self.engine, time.perf_counter()
        enough = max(1, engine.slots // IDLE) if left else engine.slots + 1
        slots, ran = engine._steps.write(weights, slots, np.int32(BLOCK), np.int32(enough))
        steps, tokens = (int(count) for count in distributed.whole(ran))
        self.speed.slot_steps += steps * engine.slots
        self.speed.decoded += tokens
        self.speed.writing += time.perf_counter() - begin
        return slots

    def _taken_out(self, slots: Slots) -> list[Finished]:
        """What has finished, with its slots set free; first the lowest slot."""
        live, count = distributed.whole((slots.live, slots.count))
        done = [
            slot for slot, place in enumerate(self.held) if place is not None and not live[slot]
        ]
        if not done:
            return []
        wanted = any(self.requests[self.held[slot]].logprobs for slot in done)  # type: ignore[index]
        tokens = distributed.whole(slots.tokens)
        logp = distributed.whole(slots.logp) if wanted else None
        found = []
        for slot in done:
            place = self.held[slot]
            assert place is not None
            self.held[slot] = None
            ids = tokens[slot, : count[slot]].copy()
            asked = self.requests[place].logprobs and logp is not None
            own = logp[slot, : count[slot]].copy() if asked and logp is not None else None
            found.append((place, self._completion(ids, own)))
            self.speed.tokens += len(ids)
        self.speed.requests += len(found)
        return found

    def _completion(self, ids: np.ndarray, logp: np.ndarray | None) -> Completion:
        tokenizer = self.engine.tokenizer
        if ids[-1] in tokenizer.stop_ids():
            return Completion(tokenizer.decode(ids[:-1].tolist()), ids, "stop", logp)
        return Completion(tokenizer.decode(ids.tolist()), ids, "length", logp)
