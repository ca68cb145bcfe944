"""Sampling: the tokens that truncation keeps, and how often each token is drawn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from data.errors import UserError
from pipeline.generate import sampling
from pipeline.generate.requests import Request, Sampling

# eager, each step of a search would be compiled alone
next_tokens, truncated = jax.jit(sampling.next_tokens), jax.jit(sampling.truncated)
SHARES = np.array([0.4, 0.3, 0.15, 0.1, 0.05], np.float32)


def settings(rows=1, **changes):
    how = Sampling(**{"temperature": 1.0, **changes})
    requests = [Request(prompt="", sampling=how, seed=seed) for seed in range(rows)]
    return sampling.settings_of(requests, rows)


def remaining(shares, **changes) -> list[int]:
    logits = truncated(np.log(np.asarray(shares, np.float32))[None], settings(**changes))[0]
    return np.flatnonzero(np.isfinite(logits)).tolist()


@pytest.mark.parametrize(
    ("changes", "tokens"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"top_k": 2}, [0, 1]),
        ({"top_k": 5}, [0, 1, 2, 3, 4]),
        ({"top_p": 0.65}, [0, 1]),
        ({"top_p": 0.75}, [0, 1, 2]),
        ({"top_p": 1e-6}, [0]),
        ({"min_p": 0.3}, [0, 1, 2]),
        ({"min_p": 1.0}, [0]),
        # of the two that remain the first has 4/7
        ({"top_k": 2, "top_p": 0.5}, [0]),
        ({"top_p": 0.9, "min_p": 0.3}, [0, 1, 2]),
    ],
)
def test_each_rule_keeps_the_likeliest_tokens(changes, tokens):
    assert remaining(SHARES, **changes) == tokens
    assert remaining(SHARES[::-1], **changes) == [4 - token for token in reversed(tokens)]


def test_tokens_that_tie_with_the_last_one_stay():
    assert remaining([0.4, 0.2, 0.2, 0.1, 0.1], top_k=2) == [0, 1, 2]
    assert remaining([0.4, 0.2, 0.2, 0.1, 0.1], top_p=0.5) == [0, 1, 2]


@pytest.mark.parametrize("decimals", [0, 3])  # with many equal logits, and with few
def test_the_largest_of_groups_are_the_largest_of_all(decimals):
    values = np.random.default_rng(0).standard_normal((3, 40_001)).round(decimals)
    values[1, 100:] = -np.inf  # fewer groups with a logit than are chosen
    values[2].sort()  # all of the largest in one group
    expected = -np.sort(-values, axis=1)[:, :64]
    largest, columns = sampling.largest(jnp.asarray(values, jnp.float32), 64)
    assert np.array_equal(largest, expected.astype("f4"))
    assert np.array_equal(np.take_along_axis(values, np.asarray(columns), axis=1), expected)
    assert all(len(set(row)) == 64 for row in np.asarray(columns)[[0, 2]].tolist())


@pytest.mark.parametrize("k", [1, 7, 64])
@pytest.mark.parametrize(
    "changes", [{}, {"top_p": 0.5}, {"min_p": 0.4}, {"top_p": 0.9, "min_p": 0.1}]
)
def test_the_few_likeliest_are_those_that_truncation_leaves(k, changes):
    logits = 2 * np.random.default_rng(k).standard_normal((3, 500)).astype(np.float32)
    logits[2] = logits[2].round()  # with ties
    chosen = settings(3, top_k=k, **changes)
    values, ids = jax.jit(sampling.few_likeliest)(logits, chosen)
    few = [
        set(row[np.isfinite(v)].tolist()) for row, v in zip(np.asarray(ids), values, strict=True)
    ]
    whole = [set(np.flatnonzero(np.isfinite(row)).tolist()) for row in truncated(logits, chosen)]
    assert few[:2] == whole[:2]
    assert few[2] == whole[2] or len(few[2]) == sampling.FEW  # more ties than that are cut off


@pytest.mark.parametrize("vocabulary", [5, 300])
def test_few_tokens_are_drawn_as_often_as_they_are_likely(vocabulary):
    logits = np.full((4_000, vocabulary), -9.0, np.float32)
    logits[:, [1, 3, 4]] = np.log([0.5, 0.3, 0.2])
    tokens, logp = next_tokens(logits, settings(4_000, top_k=2), np.zeros(4_000, int))
    assert set(np.asarray(tokens).tolist()) == {1, 3}
    assert np.mean(np.asarray(tokens) == 1) == pytest.approx(0.5 / 0.8, abs=0.03)
    assert logp.shape == (4_000,)


@pytest.mark.parametrize(
    ("k", "vocabulary"), [(1, 500), (64, 500), (500, 500), (1, 40_001), (50, 40_001), (65, 40_001)]
)
def test_the_kth_largest_is_that_of_a_sort_in_a_large_vocabulary(k, vocabulary):
    logits = np.random.default_rng(k).standard_normal((2, vocabulary)).astype(np.float32)
    keep = np.isfinite(truncated(logits, settings(2, top_k=k)))
    assert keep.sum(axis=1).tolist() == [k, k]
    assert (np.where(keep, logits, np.inf).min(axis=1) == -np.sort(-logits)[:, k - 1]).all()


def drawn(rows, position=0, **changes) -> np.ndarray:
    """Tokens of `rows` seeds from SHARES."""
    logits = np.broadcast_to(np.log(SHARES), (rows, 5))
    return np.asarray(next_tokens(logits, settings(rows, **changes), np.full(rows, position))[0])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, SHARES),
        ({"top_k": 2}, np.array([4, 3, 0, 0, 0]) / 7),
        ({"temperature": 0.5}, SHARES**2 / (SHARES**2).sum()),
        ({"temperature": 0.0}, np.array([1, 0, 0, 0, 0])),
    ],
)
def test_tokens_are_drawn_as_often_as_they_are_likely(changes, expected):
    rows = 4000
    counts = np.bincount(drawn(rows, **changes), minlength=5)
    # five standard deviations of a share
    assert counts / rows == pytest.approx(expected, abs=5 * (0.25 / rows) ** 0.5)


def test_each_position_of_a_text_has_its_own_draw():
    assert (drawn(64, position=0) != drawn(64, position=1)).any()
    assert (drawn(64, position=3) == drawn(64, position=3)).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"top_k": -1},
        {"top_p": 0.0},
        {"min_p": 1.5},
        {"max_tokens": 0},
    ],
)
def test_a_setting_out_of_its_range_is_refused_by_name(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        Sampling(**wrong)
