"""Tokens of a stored completion: their scores are the model's, and the sampler's beside them."""

import json
import shutil

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from flax import nnx
from safetensors.numpy import load_file, save_file
from scipy.special import log_softmax

from data.errors import UserError
from data.store import runs
from data.store.schema import TABLES
from data.store.store import Store, add, add_generations, open_store
from evals.scores import grade_generations
from pipeline.generate import Request, Sampling, engine_of, in_order
from pipeline.model import Tokenizer, gemma3, prompt_text
from tests.support.store_rows import rows_of
from workbench.cli.output.tokens import token_number, token_style
from workbench.playground.tokens import generation_row, token_scores

QUESTION = "Ann has 3 pens and buys 4. How many has she?"
SAMPLING = Sampling(temperature=1.0, max_prompt_tokens=128, max_tokens=24)
RATHER = "She has <b>7</b> pens \U0001f600 é 漢\x1b[2J."


@pytest.fixture(scope="module")
def loaded(few):
    return gemma3.load(str(few))


@pytest.fixture(scope="module")
def other(few, tmp_path_factory) -> str:
    """A model of the same shape with other weights, for which nothing is compiled anew."""
    folder = tmp_path_factory.mktemp("other") / "model"
    shutil.copytree(few, folder)
    [file] = folder.glob("*.safetensors")
    weights = {name: 0.8 * array for name, array in load_file(file).items()}
    save_file(weights, file, metadata={"format": "pt"})
    return str(folder)


@pytest.fixture(scope="module")
def filled(loaded, few, tmp_path_factory) -> Store:
    """An evaluation `e` by `few` with its own text, and an import `i` with another's."""
    store = open_store(tmp_path_factory.mktemp("tokens") / "store")
    tokenizer = Tokenizer(few)
    request = Request(prompt=prompt_text(tokenizer, QUESTION), sampling=SAMPLING, seed=5)
    [own] = in_order(engine_of(loaded.model, tokenizer, SAMPLING, 1).generate, [request])
    add(store, "problems", rows_of("problems", problem_id=["p"], question=[QUESTION]), run="x")
    settings = json.dumps(SAMPLING.as_json())
    for run, kind, text, finish, how in (
        ("e", "eval", own.text, own.finish, settings),
        ("i", "import", RATHER, None, None),
    ):
        runs.begin(store, kind, run=run, stage="base", config={}, seed=0, inputs={})
        row = {"generation_id": f"{run}-1", "problem_id": "p", "sample": 0, "text": text,
               "tokens": None, "finish": finish, "seed": 5, "settings": how, "label": None,
               "gold": "7", "run": run, "stage": "base"}  # fmt: skip
        rows = pl.DataFrame([row], schema_overrides=TABLES["generations"])
        scores = grade_generations(rows, "strict")
        add_generations(store, rows.drop("gold"), scores, run=run, stage="base")
        runs.end(store, run, "done", {"model_name": str(few)} if kind == "eval" else {})
    return store


@pytest.fixture(scope="module")
def own(filled, other):
    """The scores of the model's own text, with the sampler's and from itself."""
    row = generation_row(filled, "e", None)
    with pytest.raises(UserError, match="Leave out --sampler"):
        token_scores(filled, generation_row(filled, "i", "i"), other, None, sampler=True)
    return row, token_scores(filled, row, None, other, sampler=True)


def _logp(model, few, ids: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """By the logits of the model: [tokens, vocab] of all, and [tokens] of the ids."""
    before = Tokenizer(few).encode(prompt_text(Tokenizer(few), QUESTION))
    whole = jnp.array([[*before, *ids]])
    n = whole.shape[1]
    positions, causal = jnp.arange(n)[None], jnp.tril(jnp.ones((1, n, n), bool))
    logits = nnx.jit(lambda model, ids: model(ids, positions, None, causal)[0])(model, whole)
    logp = log_softmax(np.asarray(logits, np.float64)[0, len(before) - 1 : -1], axis=-1)
    return logp, logp[np.arange(len(ids)), ids]


def test_log_probability_and_entropy_are_those_of_the_models_logits(own, loaded, few):
    _, value = own
    logp, of_ids = _logp(loaded.model, few, [token["token"] for token in value["tokens"]])
    shown = [token["logp"] for token in value["tokens"]]
    np.testing.assert_allclose(shown, of_ids, rtol=1e-3, atol=1e-4)
    entropy = -(np.exp(logp) * logp).sum(axis=-1)
    shown = [token["entropy"] for token in value["tokens"]]
    np.testing.assert_allclose(shown, entropy, rtol=1e-3, atol=1e-4)
    assert value["model"] == str(few)


def test_the_tokens_together_are_the_text(own):
    row, value = own
    assert "".join(token["text"] for token in value["tokens"]) == row["text"]


def test_the_samplers_log_probabilities_are_almost_the_trainers(own):
    _, value = own
    assert value["sampler"]["same"]
    assert value["sampler"]["different"] == 0
    difference = [token["logp"] - token["sampled"] for token in value["tokens"]]
    assert np.abs(difference).max() == pytest.approx(value["sampler"]["largest"])
    assert value["sampler"]["largest"] < 1e-3


def test_the_divergence_from_another_model_is_the_losses_estimate(own, loaded, other, few):
    _, value = own
    ids = [token["token"] for token in value["tokens"]]
    logp = [token["logp"] for token in value["tokens"]]
    change = _logp(gemma3.load(other).model, few, ids)[1] - logp
    shown = [token["kl"] for token in value["tokens"]]
    np.testing.assert_allclose(shown, np.exp(change) - change - 1, rtol=1e-3, atol=1e-4)
    assert max(shown) > 0.01


def test_any_text_is_scored(filled, few):
    row = generation_row(filled, "i-1", None)
    with pytest.raises(UserError, match="which model wrote"):
        token_scores(filled, row, None, None, sampler=False)
    value = token_scores(filled, row, str(few), None, sampler=False)
    assert "".join(token["text"] for token in value["tokens"]) == RATHER
    with pytest.raises(UserError, match="no tokens"):
        token_scores(filled, row | {"text": None}, str(few), None, sampler=False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope"], "'nope'"),
        ([], "expected a generation's id"),
        (["--rollout", "1", "0", "0"], "--run RUN"),
        (["--run", "e", "--rollout", "1", "0", "0"], "no rollout of step 1"),
        (["e-1", "--by", "kl"], "--against"),
        (["e-1", "--by", "mismatch"], "--sampler"),
        (["e-1", "--run", "i"], "'e-1'"),
    ],
)
def test_what_cannot_be_scored_is_said(say, filled, arguments, words):
    code, out, err = say("--store", filled.folder, "tokens", *arguments)
    assert (code, out) == (2, "")
    assert words in err


def test_the_colour_of_a_token_is_that_of_its_number():
    token = {"logp": -3.0, "entropy": 0.6, "kl": None, "sampled": -3.02}
    styles = [token_style(token_number(token, by), by) for by in
              ("logp", "entropy", "kl", "mismatch")]  # fmt: skip
    assert [style.rpartition("#")[2] for style in styles] == ["e5484d", "f5a623", "", "f5a623"]


def test_the_command_prints_the_text_and_its_least_likely_tokens(say, filled, few):
    code, out, _ = say("--store", filled.folder, "tokens", "i-1", "--model", few)
    assert code == 0
    assert "log-probability" in out
    assert "\x1b[2J" not in out
    code, out, _ = say("--store", filled.folder, "tokens", "i-1", "--model", few, "--json")
    assert json.loads(out)["generation"] == "i-1"
