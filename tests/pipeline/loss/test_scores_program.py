"""The compiled scores: equal to the plain function, with weights that are read and not written."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from pipeline.loss.head import completion_scores, scores_of, scores_program
from tests.support.two_layers import built, with_adapters

HOW = {"pad": 0, "temperature": 0.9}


@pytest.fixture(scope="module")
def texts() -> tuple[jax.Array, jax.Array]:
    ids = np.random.default_rng(0).integers(5, 60, size=(2, 24)).astype(np.int32)
    return jnp.asarray(ids[:, :8]), jnp.asarray(ids[:, 8:])


@pytest.mark.parametrize("make", [built, lambda **how: with_adapters(built(**how))])
def test_they_are_those_of_the_plain_function(texts, make):
    model = make(blocks=True)
    compiled = scores_of(model, *texts, **HOW)
    wanted = completion_scores(model, *texts, **HOW)
    for one, other in zip(jax.tree.leaves(compiled), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


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
