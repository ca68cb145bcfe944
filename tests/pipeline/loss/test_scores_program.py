"""The compiled scores: those of the model's logits, with weights that are read and not written."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy.special import log_softmax

from pipeline.loss.head import scores_of, scores_program
from tests.support.two_layers import built, with_adapters

HOW = {"pad": 0, "temperature": 0.9}


@pytest.fixture(scope="module")
def texts() -> tuple[jax.Array, jax.Array]:
    ids = np.random.default_rng(0).integers(5, 60, size=(2, 24)).astype(np.int32)
    return jnp.asarray(ids[:, :8]), jnp.asarray(ids[:, 8:])


@nnx.jit
def logits_of(model, ids: jax.Array) -> jax.Array:
    return model(ids, jnp.arange(24)[None].repeat(2, axis=0), None, ids != 0)[0]


@pytest.mark.parametrize("make", [built, lambda **how: with_adapters(built(**how))])
def test_they_are_those_of_the_models_logits(texts, make):
    model = make(blocks=True)
    compiled = scores_of(model, *texts, **HOW)
    logits = np.asarray(logits_of(model, jnp.concatenate(texts, axis=1)))[:, 7:-1]
    logp = log_softmax(logits / HOW["temperature"], axis=-1)
    expected = np.take_along_axis(logp, np.asarray(texts[1])[..., None], axis=-1)[..., 0]
    np.testing.assert_allclose(compiled.logp, expected, rtol=1e-4, atol=1e-5)
    entropy = -(np.exp(logp) * logp).sum(axis=-1)
    np.testing.assert_allclose(compiled.entropy, entropy, rtol=1e-4, atol=1e-5)


def test_the_weights_stay_where_they_are_so_that_models_may_share_them(texts):
    model = built(blocks=True)
    before = jax.tree.leaves(nnx.state(model))
    scores_of(model, *texts, **HOW)
    after = jax.tree.leaves(nnx.state(model))
    assert all(one is other for one, other in zip(before, after, strict=True))


def test_the_program_returns_the_scores_and_no_more(texts):
    scored, weights = scores_program(built(blocks=True), **HOW)
    memory = scored.lower(weights, *texts).compile().memory_analysis()
    scores = scored(weights, *texts)
    written = sum(leaf.nbytes for leaf in jax.tree.leaves(scores))
    assert memory.output_size_in_bytes == pytest.approx(written, abs=256)


def test_models_of_one_structure_share_what_is_compiled_and_not_their_weights(texts):
    first, second = built(blocks=True), built(blocks=True)
    nnx.update(second, jax.tree.map(lambda leaf: 0.5 * leaf, nnx.state(second)))
    programs = [scores_program(model, **HOW)[0] for model in (first, second)]
    assert programs[0] is programs[1]
    assert scores_program(first, pad=0, temperature=1.0)[0] is not programs[0]
    one, other = (scores_of(model, *texts, **HOW).logp for model in (first, second))
    assert not np.allclose(one, other)
    assert programs[0]._cache_size() == 1
