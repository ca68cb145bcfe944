"""Clusters and their names: of any number of rows, and the same at each run."""

import numpy as np
import pytest

from evals.similarity.clusters import labelled, map_of
from evals.similarity.names import terms_of
from evals.similarity.nearest import largest, similarities
from evals.similarity.vectors import stored


def rows_around(*centres: int, n: int, seed: int = 0) -> np.ndarray:
    """`n` rows of length one around each of these axes."""
    random = np.random.default_rng(seed)
    rows = np.concatenate([np.eye(16)[centre] + random.normal(0, 0.05, (n, 16))
                           for centre in centres])  # fmt: skip
    return stored(rows.astype(np.float32))


def test_rows_that_are_apart_are_clusters_the_largest_first():
    matrix = np.concatenate([rows_around(3, n=10), rows_around(7, n=30), rows_around(1, n=20)])
    labels, _ = labelled(matrix, 3)
    assert labels.tolist() == [2] * 10 + [0] * 30 + [1] * 20


def test_the_same_rows_give_the_same_clusters_and_the_same_map():
    matrix = rows_around(2, 5, 9, n=40)
    first, second = labelled(matrix, 8), labelled(matrix.copy(), 8)
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(map_of(first[1]), map_of(second[1]))


@pytest.mark.parametrize("n", [1, 2, 50])
def test_equal_rows_are_one_cluster_however_many_are_wanted(n):
    matrix = np.repeat(rows_around(4, n=1), n, axis=0)
    labels, centred = labelled(matrix, 7)
    assert labels.tolist() == [0] * n
    assert not centred.any()
    assert not map_of(centred).any()


@pytest.mark.parametrize("n", range(1, 9))
def test_there_are_no_more_clusters_than_rows_and_none_is_empty(n):
    labels, _ = labelled(rows_around(*range(n), n=1), 50)
    assert sorted(set(labels.tolist())) == list(range(labels.max() + 1))
    assert labels.max() < n


def test_the_map_has_the_two_directions_in_which_rows_differ_most():
    rows = np.zeros((8, 6), np.float32)
    rows[:, 4] = [7, -7, 7, -7, 7, -7, 7, -7]
    rows[:, 1] = [3, 3, -3, -3, 3, 3, -3, -3]
    assert np.allclose(map_of(rows), rows[:, [4, 1]], atol=1e-5)


def test_similarities_in_blocks_are_those_of_one_product(monkeypatch):
    matrix = rows_around(1, 2, n=9)
    rows = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    monkeypatch.setattr("evals.similarity.nearest.BLOCK", 4)
    assert np.allclose(similarities(matrix, rows[3].astype(np.float32)), rows @ rows[3], atol=1e-4)
    assert similarities(matrix[:0], rows[3]).shape == (0,)


@pytest.mark.parametrize("n", [1, 3, 5, 9])
def test_of_equal_similarities_the_first_row_comes_first(n):
    assert largest(np.array([1.0, 2, 1, 2, 0]), n).tolist() == [1, 3, 0, 2, 4][:n]


def test_terms_are_common_in_their_cluster_and_rare_elsewhere():
    texts = ["the boat sails", "the ship sails", "the cake bakes", "the bread bakes", "кот 猫"]
    sails, bakes, foreign = terms_of(texts, [0, 0, 1, 1, 2], list("pqrst"))
    assert (sails[0], bakes[0], foreign) == ("sails", "bakes", ["кот", "猫"])


def test_many_answers_to_one_problem_do_not_name_a_cluster():
    texts = ["zebra counts"] * 8 + ["boat sails"] * 3 + ["cake bakes"] * 20
    labels = [0] * 11 + [1] * 20
    problems = ["one"] * 8 + list("abc") + [f"other {n}" for n in range(20)]
    assert terms_of(texts, labels, problems)[0][:2] == ["boat", "sails"]


@pytest.mark.parametrize("texts", [[""], ["12 + 3 = 15", "<>"]])
def test_texts_without_words_have_no_terms(texts):
    assert terms_of(texts, [0] * len(texts), [str(n) for n in range(len(texts))]) == [[]]


def test_a_stored_vector_has_the_cosines_of_the_vector():
    random = np.random.default_rng(0)
    rows = random.normal(0, 1, (50, 256)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert np.allclose(similarities(stored(rows), rows[7]), rows @ rows[7], atol=2e-3)
    assert not stored(np.zeros((1, 256), np.float32)).any()
