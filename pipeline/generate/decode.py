"""The three compiled steps of the engine: read prompts, insert them into slots, write tokens.

Each is compiled once for its shapes. The number of requests, their sampling and their limits are
values, so changing them compiles nothing.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh
from tunix.models.gemma3 import model as gemma3

from pipeline.attention import (
    FlashSlotAttention,
    PromptAttention,
    SlotAttention,
    fit_slots,
    with_attention,
)
from pipeline.generate.cache import Cache, empty, with_prompts
from pipeline.generate.sampling import Settings, next_tokens
from pipeline.model import ProgramCache, on_mesh

Rebuild = Callable[[list[jax.Array]], gemma3.Gemma3]  # weights -> a copy of the model


class Prompts(NamedTuple):
    """Prompts that the model has read and that wait for slots."""

    cache: Cache  # [rows, kv_heads, time, head_dim]
    logits: jax.Array  # [rows, vocab]  float32, after the last token of each
    lengths: jax.Array  # [rows]  int32


class Slots(NamedTuple):
    """The texts that are being written; each array is [slots] unless its shape is given."""

    cache: Cache
    token: jax.Array  # int32, the newest
    position: jax.Array  # int32, index of that token in the whole text
    written: jax.Array  # int32, tokens of the completion so far
    limit: jax.Array  # int32, most tokens to write
    live: jax.Array  # bool, whether the text continues
    tokens: jax.Array  # [slots, max_tokens]  int32
    logp: jax.Array  # [slots, max_tokens]  float32, nats
    settings: Settings


class Inserts(NamedTuple):
    """Which prompts go into which slots; [inserts] each. A slot out of range is skipped."""

    sources: jax.Array | np.ndarray  # int32, rows of Prompts
    targets: jax.Array | np.ndarray  # int32, slots
    limit: jax.Array | np.ndarray  # int32
    settings: Settings


class Counts(NamedTuple):
    """Work of one block of steps: [] each."""

    steps: jax.Array  # int32
    tokens: jax.Array  # int32, of live slots; each takes one slot for one step


def free_slots(
    model: gemma3.Gemma3, slots: int, tokens: int, max_tokens: int, dtype: jnp.dtype
) -> Slots:
    """Slots without texts, for up to `tokens` in a text and `max_tokens` of them written."""

    def ints(*shape: int) -> jax.Array:
        return jnp.zeros((slots, *shape), jnp.int32)

    def floats(*shape: int) -> jax.Array:
        return jnp.zeros((slots, *shape), jnp.float32)

    def bools() -> jax.Array:
        return jnp.zeros(slots, bool)

    keys = jnp.zeros((slots, 2), jnp.uint32)
    # no array is used twice: every one of them is donated to the next step
    return Slots(
        cache=empty(model, slots, tokens, dtype),
        token=ints(),
        position=ints(),
        written=ints(),
        limit=ints(),
        live=bools(),
        tokens=ints(max_tokens),
        logp=floats(max_tokens),
        settings=Settings(floats(), ints(), floats(), floats(), keys, bools()),
    )


def read(rebuild: Rebuild, weights: list[jax.Array], ids: jax.Array, lengths: jax.Array) -> Prompts:
    """Keys, values and last logits of prompts. The head is applied to one position of each.

    ids: [rows, time]  int32, padded on the right   lengths: [rows]  int32
    """
    model = with_attention(rebuild(weights), PromptAttention)
    positions = jnp.broadcast_to(jnp.arange(ids.shape[1]), ids.shape)
    unread = {f"layer_{layer}": {"k": ids, "v": ids} for layer in range(len(model.layers))}
    _, cache = model(ids, positions, unread, output_hidden_states=True)
    assert cache is not None
    return Prompts(cache, logits_at(model, lengths - 1), lengths)


def logits_at(model: Any, positions: jax.Array) -> jax.Array:
    """The logits of one position of each row, of the call that has output its hidden states.

    positions: [rows]  int32   returns: [rows, vocab]  float32

    In float32, as the loss has them: rounded to bfloat16, a logit of 20 is off by up to 0.06, and
    sampler and trainer would give most tokens probabilities that differ by some per cent. The
    model's own logits, of every position, are not used, so the compiler removes them.
    """
    hidden = vars(model)["all_hidden_states"].get_value()[-1]
    last = jnp.take_along_axis(hidden, positions[:, None, None], axis=1)[:, 0]
    head = model.embedder.input_embedding[...]
    return jnp.einsum("rf,vf->rv", last, head, preferred_element_type=jnp.float32)


def insert(
    stops: Sequence[int], mesh: Mesh | None, slots: Slots, prompts: Prompts, inserts: Inserts
) -> Slots:
    """`slots` with the caches of `prompts`, and the first token of each new text."""
    sources, targets = jnp.asarray(inserts.sources), jnp.asarray(inserts.targets)
    first = jnp.zeros_like(sources)
    token, logp = next_tokens(prompts.logits[sources], inserts.settings, first)
    length = prompts.lengths[sources]
    live = ~jnp.isin(token, jnp.asarray(stops)) & (inserts.limit > 1)

    def into(array: jax.Array, new: jax.Array | np.ndarray) -> jax.Array:
        return array.at[targets].set(jnp.asarray(new), mode="drop")

    after = Slots(
        cache=with_prompts(slots.cache, prompts.cache, prompts.lengths, sources, targets),
        token=into(slots.token, token),
        position=into(slots.position, length),
        written=into(slots.written, first + 1),
        limit=into(slots.limit, inserts.limit),
        live=into(slots.live, live),
        tokens=slots.tokens.at[targets, 0].set(token, mode="drop"),
        logp=slots.logp.at[targets, 0].set(logp, mode="drop"),
        settings=jax.tree.map(into, slots.settings, inserts.settings),
    )
    return on_mesh(after, mesh)


def write(
    rebuild: Rebuild,
    attention: type[SlotAttention],
    stops: Sequence[int],
    mesh: Mesh | None,
    weights: list[jax.Array],
    slots: Slots,
    max_steps: jax.Array,
    max_free: jax.Array,
) -> tuple[Slots, Counts]:
    """One token per step for every live slot, without a round trip to the host.

    Ends after `max_steps`, when no slot is live, or when `max_free` slots or more are free.
    """

    def goes_on(carry: tuple[Slots, Counts]) -> jax.Array:
        slots, counts = carry
        live = slots.live.sum()
        return (counts.steps < max_steps) & (live > 0) & (slots.live.size - live < max_free)

    def step(carry: tuple[Slots, Counts]) -> tuple[Slots, Counts]:
        slots, counts = carry
        live = slots.live
        # rebuilt inside the step: Qwix writes to modules, which an outer trace must not see
        model = with_attention(rebuild(weights), attention)
        newest = slots.token[:, None], slots.position[:, None]
        _, cache = model(*newest, slots.cache, live, output_hidden_states=True)
        assert cache is not None
        # settings of finished texts are cleared, so that nothing is computed for them alone
        settings = slots.settings._replace(
            temperature=jnp.where(live, slots.settings.temperature, 0.0),
            logprobs=live & slots.settings.logprobs,
        )
        logits = logits_at(model, jnp.zeros_like(slots.token))
        token, logp = next_tokens(logits, settings, slots.written)
        row = jnp.arange(live.size)
        # a column out of range is not written
        column = jnp.where(live, slots.written, slots.tokens.shape[1])
        written = slots.written + live
        after = slots._replace(
            cache=cache,
            token=jnp.where(live, token, slots.token),
            position=slots.position + live,
            written=written,
            live=live & ~jnp.isin(token, jnp.asarray(stops)) & (written < slots.limit),
            tokens=slots.tokens.at[row, column].set(token, mode="drop"),
            logp=slots.logp.at[row, column].set(logp, mode="drop"),
        )
        return after, Counts(counts.steps + 1, counts.tokens + live.sum())

    zero = Counts(jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32))
    slots, counts = jax.lax.while_loop(goes_on, step, (slots, zero))
    return on_mesh(slots, mesh), counts


class Steps(NamedTuple):
    """The three steps, jitted, for models of one structure."""

    read: Callable[..., Prompts]
    insert: Callable[..., Slots]
    write: Callable[..., tuple[Slots, Counts]]


_STEPS: ProgramCache[Steps] = ProgramCache()


def compiled_steps(model: nnx.Module, stops: list[int], mesh: Mesh | None) -> Steps:
    """The steps for `model`; those of an earlier model of the same structure are compiled already.

    stops: ids of tokens that end a text
    """
    graph, state = nnx.split(model)
    tree = jax.tree.structure(state)
    attention = FlashSlotAttention if fit_slots(model) else SlotAttention

    def rebuild(weights: list[jax.Array]) -> gemma3.Gemma3:
        return cast(gemma3.Gemma3, nnx.merge(graph, jax.tree.unflatten(tree, weights)))

    def build() -> Steps:
        return Steps(
            jax.jit(functools.partial(read, rebuild)),
            jax.jit(functools.partial(insert, stops, mesh), donate_argnums=0),
            jax.jit(functools.partial(write, rebuild, attention, stops, mesh), donate_argnums=1),
        )

    return _STEPS.get([graph, tree, attention, stops, mesh], build)
