"""Token counts of training examples, the loss mask, and the examples that fit a token budget."""

import shutil

import numpy as np
import pytest

from data.audit import quarantine, queries
from data.conversion.convert_source import convert_source
from data.progress import no_progress
from data.sources.ingest import ingest
from data.sources.samples import word_problems
from data.store.store import ask
from evals.audit import token_budget
from pipeline.batches.examples import Example
from pipeline.batches.sft import tokenize_examples
from pipeline.evaluate.token_counts import (
    count_tokens,
    mask_is_exact,
    token_counts,
    token_counts_of,
    tokenizer_id,
)
from pipeline.job.inputs import examples_of
from pipeline.model import TINY
from pipeline.model.tokenizer import Tokenizer, Tokens, example_tokens
from tests.support import few_rows


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(TINY)


def example(words: int, name: str = "e") -> Example:
    return Example(name, "How many?", "so " * words, "7")


def test_answer_end_is_the_last_token_before_the_stop_token(tokenizer):
    counts = token_counts(tokenizer, example(10))
    ids = example_tokens(tokenizer, "How many?", "so " * 10, "7").ids
    assert tokenizer.decode(ids[: counts.answer_end]).endswith("</answer>")
    assert not tokenizer.decode(ids[: counts.answer_end - 1]).endswith("</answer>")


def test_the_mask_of_every_sample_is_exact(tokenizer):
    problems = word_problems.problems(50, 4, "train")
    rows = [
        Example(str(n), p.question, word_problems.careful(p), p.gold)
        for n, p in enumerate(problems)
    ]
    assert token_counts_of(tokenizer, rows)["mask_is_exact"].all()


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


def test_survival_is_the_share_of_examples_that_training_uses_at_a_budget(tokenizer):
    examples = [example(n, f"e{n}") for n in (10, 100, 600)]
    rows = token_counts_of(tokenizer, examples)
    first, second = (rows["answer_end"] + 1).to_list()[:2]
    budgets = (first - 1, first, second, 10_000)
    curve = token_budget.survival(rows, budgets)
    in_training = [len(tokenize_examples(examples, tokenizer, budget)[0]) for budget in budgets]
    assert [round(point["value"] * 3) for point in curve] == in_training
    assert [point["value"] for point in curve] == [0, pytest.approx(1 / 3), pytest.approx(2 / 3), 1]
    assert {point["n"] for point in curve} == {3}
    assert all(point["low"] <= point["value"] <= point["high"] for point in curve)


@pytest.fixture
def converted(store, tmp_path):
    ingest(store, "samples-stratos", few_rows.written(tmp_path / "few").records)
    convert_source(store, "samples-stratos")
    return store


def test_tokens_are_counted_once_and_records_over_a_budget_are_named(converted):
    version = queries.newest(converted, "samples-stratos")
    shown = []

    def counted():
        tokenizer = count_tokens(
            converted,
            "samples-stratos",
            version,
            examples_of(converted, "samples-stratos", version),
            "tiny",
            TINY,
            lambda *numbers: shown.append(numbers),
        )
        return token_budget.token_counts(converted, "samples-stratos", version, tokenizer)

    rows = counted()
    assert rows.height == len(examples_of(converted, "samples-stratos", version))
    longest = rows["answer_end"][0] + 1
    assert token_budget.too_long(rows, longest).is_empty()
    behind = token_budget.too_long(rows, longest - 1)
    assert set(behind["answer_end"]) == {longest - 1}
    [point] = token_budget.survival(rows, (longest - 1,))
    assert point["value"] == pytest.approx(1 - behind.height / rows.height)
    reports = len(shown)
    assert counted().equals(rows)
    assert len(shown) == reports, "counted again"
    quarantine.quarantine(converted, rows["record_id"][0], "too long", "ana")
    assert counted().height == rows.height - 1


def test_another_prompt_template_is_another_tokenizer_id(store, monkeypatch):
    before = tokenizer_id(store, "tiny", TINY)
    assert tokenizer_id(store, "tiny", TINY) == before
    monkeypatch.setattr("data.response_format.INSTRUCTION", "Do otherwise.")
    assert tokenizer_id(store, "tiny", TINY) != before


@pytest.mark.parametrize("template", [True, False])  # without one it has Gemma's
def test_models_of_one_tokenizer_share_their_counts_and_others_do_not(
    converted, tmp_path, template
):
    version = queries.newest(converted, "samples-stratos")
    examples = examples_of(converted, "samples-stratos", version)[:3]
    trained = shutil.copytree(TINY, tmp_path / "sft-1" / "merged")
    if not template:
        (trained / "chat_template.jinja").unlink()

    def counted(model: str, folder) -> str:
        return count_tokens(
            converted, "samples-stratos", version, examples, model, folder, no_progress
        )

    def rows() -> int:
        return ask(converted, "select count(*) as n from tokens")["n"].item()

    name = counted(str(trained), trained)
    assert name.startswith("sft-1/merged@")
    assert (counted("tiny", TINY), rows()) == (name, 3)
    for file in ("tokenizer.json", "chat_template.jinja"):
        (trained / file).write_bytes((TINY / file).read_bytes() + b"\n")
        assert counted(str(trained), trained) != name
    assert rows() == 9
