"""The rollout engine: the tokens of other implementations, whatever else is in the batch."""

from dataclasses import replace
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from tunix.generate import sampler as tunix
from tunix.models.gemma3.model import Gemma3, ModelConfig

from data.errors import UserError
from data.sources.samples import word_problems
from pipeline.attention import slot_kernel
from pipeline.generate import decode, engine as engine_module
from pipeline.generate.cache import empty
from pipeline.generate.engine import BLOCK, Engine, _Call
from pipeline.generate.requests import Request, Sampling
from pipeline.model import gemma3
from pipeline.model.tokenizer import Tokenizer, prompt_text
from tests.support.two_layers import built, with_adapters

PROMPT, LENGTH = 96, 80
GREEDY = Sampling(max_prompt_tokens=PROMPT, max_tokens=LENGTH)
WARM = replace(GREEDY, temperature=1.0)


@pytest.fixture(scope="module")
def tiny(cold):
    """A model of two layers with a shorter window: rings go round before a text ends."""
    loaded = gemma3.load(str(cold["merged"]))
    return gemma3.Loaded(with_window(loaded.model, 32), loaded.folder, loaded.mesh)


def with_window(model: Gemma3, window: int) -> Gemma3:
    for layer in model.layers:
        layer.attn.sliding_window_size = window
    model.config = replace(model.config, sliding_window_size=window)  # type: ignore[type-var]
    return model


@pytest.fixture(scope="module")
def tokenizer(tiny):
    return Tokenizer(tiny.folder)


@pytest.fixture(scope="module")
def prompts(tokenizer):
    return [
        prompt_text(tokenizer, problem.question) for problem in word_problems.problems(9, 5, "test")
    ]


def engine_of(tiny, tokenizer, slots) -> Engine:
    return Engine(tiny.model, tokenizer, slots=slots, max_prompt_tokens=PROMPT, max_tokens=LENGTH)


@pytest.fixture(scope="module")
def engine(tiny, tokenizer):
    return engine_of(tiny, tokenizer, slots=4)


def tokens(engine: Engine, requests: list[Request]) -> list[list[int]]:
    """Of each request, in their order."""
    completions = dict(engine.generate(requests))
    assert sorted(completions) == list(range(len(requests)))
    return [completions[index].ids.tolist() for index in range(len(requests))]


def test_a_stream_grows_by_a_token_and_ends_with_the_tokens_of_a_call(engine, prompts):
    requests = [Request(prompt=prompt, sampling=WARM, seed=n) for n, prompt in enumerate(prompts)]
    texts: dict[int, list[Any]] = {index: [] for index in range(len(requests))}
    for index, completion in engine.stream(requests):
        texts[index].append(completion)
    for index, whole in enumerate(tokens(engine, requests)):
        *growing, last = texts[index]
        assert last.ids.tolist() == whole
        assert last.finish in ("stop", "length")
        assert {one.finish for one in growing} <= {""}
        # the first token comes with the prompt, so that the first block has two
        assert [one.ids.tolist() for one in growing] == [
            whole[:n] for n in range(len(whole) - len(growing), len(whole))
        ]
        assert all(last.text.startswith(one.text) for one in growing)
    assert max(len(growing) for growing in texts.values()) > 20


def tunix_tokens(model: Any, words: Any, prompts: list[str], length: int) -> list[list[int]]:
    """What Tunix's sampler writes greedily, with the stop token, of each prompt."""
    config = model.config
    cache = tunix.CacheConfig(
        PROMPT + length, config.num_layers, config.num_kv_heads, config.head_dim
    )
    sampler = tunix.Sampler(model, words, cache)
    cut = sampler(prompts, length, max_prompt_length=PROMPT, eos_tokens=words.stop_ids()).tokens
    return [ids.tolist() for ids in cut]


@nnx.jit
def logits_of(model: Gemma3, ids: jax.Array) -> jax.Array:
    mask = jnp.tril(jnp.ones((1, ids.shape[1], ids.shape[1]), bool))
    return model(ids, jnp.arange(ids.shape[1])[None], None, mask)[0]


def forced(model: Any, prompt: list[int], written: list[int]) -> jax.Array:
    """Logits of a plain forward pass, from which each of `written` was chosen: [time, vocab]."""
    ids = prompt + written
    padded = jnp.array([ids + [0] * (PROMPT + LENGTH - len(ids))])  # causal: pads change nothing
    return logits_of(model, padded)[0, len(prompt) - 1 : len(ids) - 1]


def without_stop(ids: list[int], words: Any) -> list[int]:
    return ids[:-1] if ids[-1] in words.stop_ids() else ids


def test_greedy_texts_are_those_of_tunix(tiny, tokenizer, engine, prompts):
    ours = tokens(engine, [Request(prompt=prompt, sampling=GREEDY) for prompt in prompts])
    theirs = tunix_tokens(tiny.model, tokenizer, prompts, LENGTH)
    assert [without_stop(ids, tokenizer) for ids in ours] == theirs


class Numbers:
    """A tokenizer of numbers; nothing stops a text."""

    def encode(self, text: str) -> list[int]:
        return [int(word) for word in text.split()]

    def decode(self, ids: Any) -> str:
        return " ".join(map(str, ids))

    def stop_ids(self) -> list[int]:
        return [10**6]

    def pad_id(self) -> int:
        return 0

    bos_id = pad_id  # 0: none is put before a prompt

    def eos_id(self) -> int:
        return 10**6


@pytest.mark.parametrize(
    ("kv_heads", "lengths"),
    [(1, (7, 50, 23)), (4, (50, 61, 55))],  # shorter and longer than the window; longer alone
)
def test_long_greedy_texts_of_gemmas_head_sizes_are_those_of_tunix(kv_heads, lengths):
    shape = {"num_embed": 512, "num_heads": 4, "head_dim": 256, "num_kv_heads": kv_heads,
             "sliding_window_size": 24}  # fmt: skip
    model, rng = built(blocks=False, shape=shape), np.random.default_rng(0)
    state = nnx.state(model, nnx.Param)
    nnx.update(model, jax.tree.map(lambda w: 0.2 * rng.standard_normal(w.shape, "float32"), state))
    # else each token predicts itself
    model.embedder.input_embedding.set_value(0.1 * model.embedder.input_embedding[...])
    drawn = [rng.integers(1, 512, n) for n in lengths]
    prompts = [" ".join(map(str, ids)) for ids in drawn]
    words: Any = Numbers()
    ours = Engine(model, words, slots=2, max_prompt_tokens=PROMPT, max_tokens=48)
    sampling = Sampling(max_prompt_tokens=PROMPT, max_tokens=48)
    written = tokens(ours, [Request(prompt=prompt, sampling=sampling) for prompt in prompts])
    assert written == tunix_tokens(model, words, prompts, 48)
    assert len({token for ids in written for token in ids}) > 20


def test_local_layers_keep_a_window_of_keys_and_values_and_global_ones_all():
    config = replace(ModelConfig.gemma3_1b_it(), num_layers=6)  # type: ignore[type-var]
    slots, length, window = 64, 4096, 512

    def size(cache) -> int:
        return sum(array.size * array.dtype.itemsize for array in jax.tree.leaves(cache))

    model = nnx.eval_shape(lambda: Gemma3(config, rngs=nnx.Rngs(0)))
    rings = jax.eval_shape(lambda: empty(model, slots, length, jnp.dtype("bfloat16")))
    token = 2 * config.num_kv_heads * config.head_dim * 2  # bytes of key and value in a layer
    assert size(rings) == slots * token * (5 * window + length)
    assert size(rings) < 0.28 * slots * token * config.num_layers * length


def test_reading_a_prompt_makes_logits_of_its_last_token_only():
    model = built(blocks=False, shape={"num_layers": 1, "num_embed": 509})
    rows, time, words = 3, 40, cast(Any, Numbers())
    engine = Engine(model, words, slots=2, max_prompt_tokens=PROMPT, max_tokens=8)
    ids, lengths = np.ones((rows, time), np.int32), np.full(rows, time, np.int32)
    program = engine._steps.read.lower(engine.weights(), ids, lengths).compile().as_text()  # type: ignore[attr-defined]
    assert "[3,509]" in program
    assert "[3,40,509]" not in program
    assert "[120,509]" not in program


def mixed(prompts) -> list[Request]:
    """Requests of every kind, some of them samples of one prompt."""
    kinds = [
        GREEDY,
        WARM,
        replace(WARM, top_k=5),
        replace(WARM, temperature=0.7, top_p=0.9),
        replace(WARM, temperature=1.5, min_p=0.05, max_tokens=9),
        replace(WARM, top_k=20, top_p=0.8, min_p=0.01),
    ]
    return [
        Request(prompt=prompts[n % len(prompts)], sampling=kinds[n % len(kinds)], seed=n)
        for n in range(2 * len(prompts))
    ]


def test_a_request_gives_the_same_tokens_in_any_slot_batch_and_order(
    tiny, tokenizer, engine, prompts
):
    requests = mixed(prompts)
    expected = tokens(engine, requests)
    assert tokens(engine, requests[::-1])[::-1] == expected
    assert tokens(engine, requests[3:8]) == expected[3:8]
    assert [tokens(engine, [request])[0] for request in requests[:4]] == expected[:4]
    assert tokens(engine_of(tiny, tokenizer, slots=11), requests) == expected


def test_seeds_give_different_texts_and_greedy_ignores_them(engine, prompts):
    seeds = [0, 1, 2**32, 2**63 + 1]
    requests = [Request(prompt=prompts[0], sampling=WARM, seed=seed) for seed in seeds]
    hot = [replace(request, sampling=replace(WARM, temperature=2.0)) for request in requests]
    assert len({tuple(ids) for ids in tokens(engine, hot)}) == len(seeds)
    greedy = [replace(request, sampling=GREEDY) for request in requests]
    assert len({tuple(ids) for ids in tokens(engine, greedy)}) == 1


def test_the_samples_of_a_problem_share_one_prefill_of_its_prompt(engine, prompts):
    requests = [
        Request(prompt=prompt, sampling=WARM, seed=seed)
        for prompt in prompts[:3]
        for seed in range(6)
    ]
    assert len(tokens(engine, requests)) == 18
    assert engine.speed.prompts == 3
    assert engine.speed.requests == 18


def test_more_requests_compile_nothing_new(engine, prompts):
    steps = [engine._steps.read, engine._steps.insert, engine._steps.write]
    list(engine.generate([Request(prompt=prompt, sampling=GREEDY) for prompt in prompts]))
    before = [step._cache_size() for step in steps]
    for requests in (mixed(prompts), mixed(prompts)[:2], []):
        list(engine.generate(requests))
    assert [step._cache_size() for step in steps] == before


def test_an_engine_of_an_equal_model_compiles_nothing(cold, tokenizer, engine):
    again = gemma3.load(str(cold["merged"]))
    another = engine_of(replace(again, model=with_window(again.model, 32)), tokenizer, slots=4)
    assert another._steps is engine._steps


def test_a_text_that_stops_keeps_its_stop_token_and_a_truncated_one_has_its_limit(
    engine, tokenizer, prompts
):
    short = replace(GREEDY, max_tokens=3)
    requests = [Request(prompt=prompts[0], sampling=sampling) for sampling in (GREEDY, short)]
    completions = dict(engine.generate(requests))
    whole, cut = completions[0], completions[1]
    assert (whole.finish, int(whole.ids[-1])) == ("stop", tokenizer.turn_end())
    assert whole.text == tokenizer.decode(whole.ids[:-1])
    assert (cut.finish, cut.ids.tolist()) == ("length", whole.ids[:3].tolist())


def test_a_limit_of_one_token_is_met(engine, prompts):
    requests = [Request(prompt=p, sampling=replace(GREEDY, max_tokens=1)) for p in prompts]
    assert [len(ids) for ids in tokens(engine, requests)] == [1] * len(prompts)


def test_log_probabilities_are_those_of_a_forward_pass(tiny, tokenizer, engine, prompts):
    warm = Request(prompt=prompts[0], sampling=replace(WARM, temperature=0.8), logprobs=True)
    [(_, completion)] = engine.generate([warm])
    logits = forced(tiny.model, tokenizer.encode(prompts[0]), completion.ids.tolist())
    scores = jax.nn.log_softmax(logits / 0.8, axis=-1)
    expected = jnp.take_along_axis(scores, jnp.asarray(completion.ids)[:, None], axis=-1)[:, 0]
    assert completion.logprobs == pytest.approx(np.asarray(expected), abs=1e-4)
    [(_, without)] = engine.generate([replace(warm, logprobs=False)])
    assert without.logprobs is None
    assert without.ids.tolist() == completion.ids.tolist()


def test_adapters_take_part_and_a_changed_weight_is_used_at_once():
    adapted, words = with_adapters(built(blocks=False)), cast(Any, Numbers())
    engine = Engine(adapted, words, slots=2, max_prompt_tokens=PROMPT, max_tokens=16)
    sampling = replace(GREEDY, max_tokens=16)
    prompts = ["8 9 10 11 12 13 14 15 16 17", "40 41", "77 78 79"]
    requests = [Request(prompt=prompt, sampling=sampling) for prompt in prompts]
    before = tokens(engine, requests)
    state = nnx.state(adapted, nnx.LoRAParam)
    nnx.update(adapted, jax.tree.map(lambda w: -2 * w, state))
    after = tokens(engine, requests)
    assert after != before
    for prompt, ids in zip(prompts, after, strict=True):
        scores = forced(adapted, words.encode(prompt), ids)
        assert ids == scores.argmax(axis=-1).tolist()


def test_completions_come_as_they_finish_and_not_in_the_order_of_requests(engine, prompts):
    hot = replace(WARM, temperature=3.0)  # noise, which rarely stops
    limits = [LENGTH, 2, 2, 2, 2, 2]
    requests = [Request(prompt=prompts[0], sampling=replace(hot, max_tokens=n)) for n in limits]
    assert [index for index, _ in engine.generate(requests)][-1] == 0


def test_speed_counts_every_token_and_step(engine, prompts):
    written = tokens(engine, mixed(prompts))
    speed = engine.speed
    assert speed.tokens == sum(map(len, written))
    assert speed.decoded == speed.tokens - len(written)
    assert speed.decoded <= speed.slot_steps
    assert 0 < speed.reading + speed.writing <= speed.seconds


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_tokens": LENGTH + 1}, "the engine was built for"),
        ({"max_prompt_tokens": 8}, "the limit is 8"),
        ({"top_k": 10**7}, "top_k is 10000000"),
    ],
)
def test_a_request_that_does_not_fit_is_refused_before_any_starts(engine, prompts, change, message):
    bad = Request(prompt=prompts[0], sampling=replace(GREEDY, **change))
    with pytest.raises(UserError, match=message):
        list(engine.generate([Request(prompt=prompts[0], sampling=GREEDY), bad]))


def test_no_requests_give_no_completions(engine):
    assert list(engine.generate([])) == []


class StopsAt(Tokenizer):
    """A tokenizer whose texts end at any of `ids`."""

    ids: list[int]

    def stop_ids(self) -> list[int]:
        return self.ids


def test_a_text_ends_at_any_of_several_stop_tokens_which_it_keeps(tiny, engine, prompts):
    hot = replace(WARM, temperature=2.0)  # so that the texts are not alike
    requests = [Request(prompt=prompt, sampling=hot, seed=1) for prompt in prompts[:3]]
    whole = tokens(engine, requests)
    stops = StopsAt(tiny.folder)
    # a token of each that no other text has
    stops.ids = [
        next(token for token in ids[6:] if sum(token in other for other in whole) == 1)
        for ids in whole
    ]
    completions = dict(engine_of(tiny, stops, slots=4).generate(requests))
    for index, (ids, stop) in enumerate(zip(whole, stops.ids, strict=True)):
        assert completions[index].ids.tolist() == ids[: ids.index(stop) + 1]
        assert completions[index].finish == "stop"


def test_the_host_waits_once_per_block_and_not_once_per_token(engine, prompts, monkeypatch):
    calls = []
    write = engine._steps.write

    def counted(*arguments):
        calls.append(1)
        return write(*arguments)

    monkeypatch.setattr(engine, "_steps", engine._steps._replace(write=counted))
    [(_, one)] = engine.generate([Request(prompt=prompts[0], sampling=GREEDY)])
    assert len(calls) <= 1 + len(one.ids) // BLOCK


def test_a_short_limit_of_one_request_refuses_no_other(tokenizer, engine, prompts):
    length = {prompt: len(tokenizer.encode(prompt)) for prompt in prompts}
    limit = min(length.values())
    low = replace(GREEDY, max_prompt_tokens=limit, max_tokens=2)
    short = Request(prompt=min(prompts, key=lambda prompt: length[prompt]), sampling=low)
    longest = max(prompts, key=lambda prompt: length[prompt])
    long = Request(prompt=longest, sampling=replace(GREEDY, max_tokens=2))
    assert len(list(engine.generate([long, short]))) == 2
    with pytest.raises(UserError, match=f"the limit is {limit}"):
        list(engine.generate([replace(short, prompt=longest)]))


def test_a_stop_loses_no_text_that_has_finished_and_comes_before_the_next_block(engine, prompts):
    requests = [
        Request(prompt=prompt, sampling=replace(GREEDY, max_tokens=3), seed=0)
        for prompt in prompts * 2  # ten for four slots, and all are cut off at the same step
    ]
    blocks = []

    def after_two() -> bool:
        blocks.append(True)
        return len(blocks) == 2

    assert len(list(engine.generate(requests, after_two))) == 8
    assert len(blocks) == 2


def test_the_kernel_for_a_gpu_writes_the_same_tokens(tiny, tokenizer, prompts, monkeypatch):
    requests = [
        Request(prompt=prompt, sampling=replace(GREEDY, max_tokens=12)) for prompt in prompts
    ]
    plain = dict(engine_of(tiny, tokenizer, slots=3).generate(requests))
    monkeypatch.setattr(slot_kernel, "BLOCK", 32)
    for module in (decode, engine_module):
        monkeypatch.setattr(module, "fit_slots", lambda model: True)
    by_kernel = dict(engine_of(tiny, tokenizer, slots=3).generate(requests))
    assert [one.ids.tolist() for one in by_kernel.values()] == [
        one.ids.tolist() for one in plain.values()
    ]


def test_the_longest_are_begun_first_where_lengths_are_known(engine, prompts):
    lengths = [2, 9, 3, 20]
    requests = [
        Request(prompt=prompt, sampling=replace(GREEDY, max_tokens=n), expected_tokens=n)
        for prompt, n in zip(prompts[:4], lengths, strict=True)
    ]
    queue = _Call(engine, requests).queue
    assert [prompt.expected for prompt in queue.prompts] == [20, 9, 3, 2]
    in_order = dict(engine.generate([replace(one, expected_tokens=0) for one in requests]))
    longest_first = dict(engine.generate(requests))
    for index in range(4):
        assert longest_first[index].ids.tolist() == in_order[index].ids.tolist()
