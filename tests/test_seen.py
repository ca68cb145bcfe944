"""What the trainer sees: tokens counted, the mask checked, and which answers a budget keeps."""

import numpy as np
import pytest

from data import samples
from pipeline import models
from pipeline.seen import frame, mask_is_exact, seen, survival
from pipeline.sft import Example
from pipeline.tokens import Tokenizer, Tokens, example_tokens


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(models.TINY)


def example(words: int, name: str = "e") -> Example:
    return Example(name, "How many?", "so " * words, "7")


def test_the_answers_end_is_the_last_token_before_the_stop(tokenizer):
    found = seen(tokenizer, example(10))
    ids = example_tokens(tokenizer, "How many?", "so " * 10, "7").ids
    assert tokenizer.decode(ids[: found.answer_end]).endswith("</answer>")
    assert not tokenizer.decode(ids[: found.answer_end - 1]).endswith("</answer>")


def test_the_mask_of_every_sample_is_exact(tokenizer):
    made = samples.problems(50, 4, "train")
    rows = [Example(str(n), p.question, samples.careful(p), p.gold) for n, p in enumerate(made)]
    assert frame(tokenizer, rows)["mask_is_exact"].all()


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_mask_that_is_off_by_one_is_not_exact(tokenizer, shift):
    right = example_tokens(tokenizer, "How many?", "so so", "7")
    start = int(np.argmax(right.completion)) + shift
    wrong = Tokens(right.ids, np.arange(len(right.ids)) >= start)
    one = Example("e", "How many?", "so so", "7")
    assert mask_is_exact(tokenizer, one, right)
    assert not mask_is_exact(tokenizer, one, wrong)


def test_a_missing_stop_token_is_not_exact(tokenizer):
    right = example_tokens(tokenizer, "How many?", "so so", "7")
    cut = Tokens(right.ids[:-1], right.completion[:-1])
    assert not mask_is_exact(tokenizer, Example("e", "How many?", "so so", "7"), cut)


def test_survival_counts_the_examples_whose_answer_is_within_the_budget(tokenizer):
    found = frame(tokenizer, [example(n, f"e{n}") for n in (10, 100, 600)])
    ends = found["answer_end"].to_list()
    curve = survival(found, (ends[0] - 1, ends[0], ends[1], 10_000))
    assert [point["value"] for point in curve] == [0, pytest.approx(1 / 3), pytest.approx(2 / 3), 1]
    assert {point["n"] for point in curve} == {3}
    assert all(point["low"] <= point["value"] <= point["high"] for point in curve)
