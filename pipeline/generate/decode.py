"""The three compiled steps of the engine: read prompts, put them into slots, write on.

Each is compiled once for its shapes. How many requests there are, how they are sampled and where
they end are values.
"""

import functools
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh
from tunix.models.gemma3 import model as gemma3

from pipeline.generate.cache import Cache, empty, placed
from pipeline.generate.sampling import Settings, next_tokens
from pipeline.model import PromptAttention, SlotAttention, on_mesh, with_attention

Rebuild = Callable[[list[jax.Array]], nnx.Module]  # a copy of the model around its weights


class Prompts(NamedTuple):
    """Prompts that were read and wait for slots."""

    cache: Cache  # [rows, kv_heads, time, head_dim]
    logits: jax.Array  # [rows, vocab], after the last token of each
    lengths: jax.Array  # [rows]  int32


class Slots(NamedTuple):
    """The texts that are being written; [slots] where nothing else is said."""

    cache: Cache
    token: jax.Array  # int32, the newest
    position: jax.Array  # int32, its place in the whole text
    count: jax.Array  # int32, how many were written
    limit: jax.Array  # int32, how many may be
    live: jax.Array  # bool, whether it goes on
    tokens: jax.Array  # [slots, max_tokens]  int32
    logp: jax.Array  # [slots, max_tokens]  float32, nats
    settings: Settings


class Inserts(NamedTuple):
    """Which prompts go into which slots; [inserts] each. A slot that does not exist is skipped."""

    sources: jax.Array | np.ndarray  # int32, rows of Prompts
    targets: jax.Array | np.ndarray  # int32, slots
    limit: jax.Array | np.ndarray  # int32
    settings: Settings


class Ran(NamedTuple):
    """What a block of steps did: [] each."""

    steps: jax.Array  # int32
    tokens: jax.Array  # int32, those of live slots; each costs one slot of one step


def no_texts(
    model: gemma3.Gemma3, slots: int, tokens: int, max_tokens: int, dtype: jnp.dtype
) -> Slots:
    """Slots that are all free, for texts of `tokens` with `max_tokens` of them written."""

    def number(*shape: int) -> jax.Array:
        return jnp.zeros((slots, *shape), jnp.int32)

    def real(*shape: int) -> jax.Array:
        return jnp.zeros((slots, *shape), jnp.float32)

    def no() -> jax.Array:
        return jnp.zeros(slots, bool)

    keys = jnp.zeros((slots, 2), jnp.uint32)
    # every array is one of its own: all are given away to the next step
    return Slots(
        cache=empty(model, slots, tokens, dtype),
        token=number(),
        position=number(),
        count=number(),
        limit=number(),
        live=no(),
        tokens=number(max_tokens),
        logp=real(max_tokens),
        settings=Settings(real(), number(), real(), real(), keys, no()),
    )


def read(rebuild: Rebuild, weights: list[jax.Array], ids: jax.Array, lengths: jax.Array) -> Prompts:
    """Keys, values and last logits of prompts. The head sees one position of each.

    ids: [rows, time]  int32, padded on the right   lengths: [rows]  int32
    """
    model = with_attention(rebuild(weights), PromptAttention)
    positions = jnp.broadcast_to(jnp.arange(ids.shape[1]), ids.shape)
    nowhere = {f"layer_{layer}": {"k": ids, "v": ids} for layer in range(len(model.layers))}
    # its own logits, of every position, are read by nobody: the compiler leaves them out
    _, cache = model(ids, positions, nowhere, output_hidden_states=True)
    hidden = vars(model)["all_hidden_states"].get_value()[-1]
    last = jnp.take_along_axis(hidden, lengths[:, None, None] - 1, axis=1)
    assert cache is not None
    return Prompts(cache, model.embedder.decode(last)[:, 0], lengths)


def insert(
    stops: Sequence[int], mesh: Mesh | None, slots: Slots, prompts: Prompts, inserts: Inserts
) -> Slots:
    """`slots` with `prompts` in them, and the first token of each new text."""
    sources, targets = jnp.asarray(inserts.sources), jnp.asarray(inserts.targets)
    first = jnp.zeros_like(sources)
    token, logp = next_tokens(prompts.logits[sources], inserts.settings, first)
    length = prompts.lengths[sources]
    goes_on = ~jnp.isin(token, jnp.asarray(stops)) & (inserts.limit > 1)

    def into(kept: jax.Array, new: jax.Array | np.ndarray) -> jax.Array:
        return kept.at[targets].set(jnp.asarray(new), mode="drop")

    after = Slots(
        cache=placed(slots.cache, prompts.cache, prompts.lengths, sources, targets),
        token=into(slots.token, token),
        position=into(slots.position, length),
        count=into(slots.count, first + 1),
        limit=into(slots.limit, inserts.limit),
        live=into(slots.live, goes_on),
        tokens=slots.tokens.at[targets, 0].set(token, mode="drop"),
        logp=slots.logp.at[targets, 0].set(logp, mode="drop"),
        settings=jax.tree.map(into, slots.settings, inserts.settings),
    )
    return on_mesh(after, mesh)


def write(
    rebuild: Rebuild,
    stops: Sequence[int],
    mesh: Mesh | None,
    weights: list[jax.Array],
    slots: Slots,
    most: jax.Array,
    idle: jax.Array,
) -> tuple[Slots, Ran]:
    """One token a step for every live slot; the host is asked nothing meanwhile.

    Ends after `most` steps, when no slot is live, or when `idle` slots or more are free.
    """

    def goes_on(carry: tuple[Slots, Ran]) -> jax.Array:
        slots, ran = carry
        live = slots.live.sum()
        return (ran.steps < most) & (live > 0) & (slots.live.size - live < idle)

    def step(carry: tuple[Slots, Ran]) -> tuple[Slots, Ran]:
        slots, ran = carry
        live = slots.live
        # made anew in here: Qwix notes things on modules, which no outer trace may see
        model = with_attention(rebuild(weights), SlotAttention)
        where = slots.token[:, None], slots.position[:, None]
        logits, cache = model(*where, slots.cache)
        assert cache is not None
        # what only finished texts asked for is not computed
        asked = slots.settings._replace(
            temperature=jnp.where(live, slots.settings.temperature, 0.0),
            logprobs=live & slots.settings.logprobs,
        )
        token, logp = next_tokens(logits[:, 0], asked, slots.count)
        row = jnp.arange(live.size)
        column = jnp.where(live, slots.count, slots.tokens.shape[1])  # no column: not written
        count = slots.count + live
        after = slots._replace(
            cache=cache,
            token=jnp.where(live, token, slots.token),
            position=slots.position + live,
            count=count,
            live=live & ~jnp.isin(token, jnp.asarray(stops)) & (count < slots.limit),
            tokens=slots.tokens.at[row, column].set(token, mode="drop"),
            logp=slots.logp.at[row, column].set(logp, mode="drop"),
        )
        return after, Ran(ran.steps + 1, ran.tokens + live.sum())

    nothing = Ran(jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32))
    slots, ran = jax.lax.while_loop(goes_on, step, (slots, nothing))
    return on_mesh(slots, mesh), ran


class Steps(NamedTuple):
    """The three steps for models of one structure; what is compiled is kept by each of them."""

    read: Callable[..., Prompts]
    insert: Callable[..., Slots]
    write: Callable[..., tuple[Slots, Ran]]


# of the newest structures: the stages of one job use models of the same
_KNOWN: deque[tuple[list[Any], Steps]] = deque(maxlen=4)


def steps_of(model: nnx.Module, stops: list[int], mesh: Mesh | None) -> Steps:
    """The steps for `model`, compiled already where a model of its structure was here before."""
    graph, state = nnx.split(model)
    tree = jax.tree.structure(state)
    for known, steps in _KNOWN:  # a list, not a dict: Tunix's configuration has no hash
        if known == [graph, tree, stops, mesh]:
            return steps

    def rebuild(weights: list[jax.Array]) -> nnx.Module:
        return nnx.merge(graph, jax.tree.unflatten(tree, weights))

    steps = Steps(
        jax.jit(functools.partial(read, rebuild)),
        jax.jit(functools.partial(insert, stops, mesh), donate_argnums=0),
        jax.jit(functools.partial(write, rebuild, stops, mesh), donate_argnums=1),
    )
    _KNOWN.append(([graph, tree, stops, mesh], steps))
    return steps
