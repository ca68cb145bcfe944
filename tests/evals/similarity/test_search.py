"""Search by meaning and clusters over a store: what is embedded once, found, and named."""

import numpy as np
import polars as pl
import pytest

from data.errors import UserError
from data.progress import no_progress
from data.store.store import add, add_generations, ask, open_store
from evals.judge.stored import add_rubric
from evals.scores import grade
from evals.similarity import static_model, vectors
from evals.similarity.clusters import clusters_of
from evals.similarity.nearest import more_like, search
from evals.similarity.static_model import DIMENSIONS, embed
from tests.support.imported import import_rows
from tests.support.judge import rubric
from tests.support.store_rows import generated

pytestmark = pytest.mark.skipif(
    not static_model.is_installed(),
    reason="needs requirements-similarity.txt, which .ci/run installs",
)
TEXTS = {
    "boats": "Each sailing boat carries eight passengers, so the fleet carries forty.",
    "ships": "The ship crosses the ocean in nine days.",
    "dogs": "She walks the dog and feeds the puppy twice a day.",
    "cakes": "He bakes a chocolate cake and sells ten cookies.",
    "cyrillic": "Собака ест корм два раза в день.",
    "long": "A swimming pool is filled with water. " * 5_300,
    "empty": " ",
}


def silent(name: str):
    return no_progress


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Run a answers seven problems with TEXTS, the first two correctly; run b two of them."""
    folder = tmp_path_factory.mktemp("similarity")
    store = open_store(folder / "store")
    rows = [
        {"problem_id": name, "question": f"{name}?", "text": f"{text} {7 if n < 2 else 8}",
         "gold": "7"}
        for n, (name, text) in enumerate(TEXTS.items())
    ]  # fmt: skip
    rows[-1]["text"] = " "
    import_rows(store, folder, "a", *rows)
    import_rows(store, folder, "b", *rows[2:4])
    return store


def test_other_words_for_the_same_are_found(filled):
    for words, name in (("vessel at sea", "ships"), ("canine", "dogs"), ("dessert", "cakes")):
        value = search(filled, words, "a", "reasoning", 3, silent)
        assert value["rows"][0]["problem_id"] == name
    assert value["n"] == 6  # of seven, one has no text


def test_a_generation_is_more_like_one_of_its_topic_and_is_not_its_own_neighbour(filled):
    [own] = ask(filled, "select generation_id from generations"
                        " where problem_id = 'boats'")["generation_id"]  # fmt: skip
    value = more_like(filled, own, None, "reasoning", 20, silent)
    assert value["rows"][0]["problem_id"] == "ships"
    assert own not in [row["generation_id"] for row in value["rows"]]
    assert len(value["rows"]) == 5
    assert value["rows"][0]["correct"] is True


def test_vectors_are_stored_once_and_those_of_added_generations_beside_them(filled):
    search(filled, "dog", None, "question", 1, silent)
    query = "select count(*) from embeddings where field = 'question'"
    assert (ask(filled, query).item(), vectors.embed_missing(filled, "a", "question")) == (9, 0)


def test_clusters_have_names_medoids_and_sizes_by_stage_and_run(filled):
    value = clusters_of(filled, "a", "reasoning", silent, incorrect=True, against="b", number=3)
    again = clusters_of(filled, "a", "reasoning", silent, incorrect=True, against="b", number=3)
    assert value == again
    assert value["exploratory"]
    sizes = [(row["n"], row["against_n"], row["only_in"]) for row in value["clusters"]]
    assert sum(n for n, _, _ in sizes) == 4  # of five incorrect ones, one has no text
    assert sum(n for _, n, _ in sizes) == 2
    assert all((alone == "a") == (n > 0 and m == 0) for n, m, alone in sizes)
    assert all(row["medoid"]["excerpt"] and row["name"] for row in value["clusters"])
    assert all(sum(row["stages"].values()) == row["n"] for row in value["clusters"])


def verdicts_copied(store, run: str, **columns) -> None:
    """The scores of `run` once more, with other values in these columns."""
    rows = ask(store, "select * from scores where run = $run", run=run)
    changed = rows.with_columns(**columns)
    for (stage,), of_stage in changed.group_by("stage"):
        add(store, "scores", of_stage, run=run, stage=str(stage))


def test_verdicts_count_of_the_grader_s_current_version_alone(store, tmp_path):
    rows = ({"problem_id": f"p{n}", "text": f"It is {6 + n}", "gold": "7"} for n in range(2))
    import_rows(store, tmp_path, "r", *rows)
    answers = [search(store, "it is", "r", "reasoning", 2, silent)]
    wrong = {"correct": pl.col("problem_id") == "p0"}
    for version in ("a", "z"):  # before and after the current one, in whatever order rows come
        verdicts_copied(store, "r", grader_version=pl.lit(version), **wrong)
    answers += [search(store, "it is", "r", "reasoning", 2, silent)]
    by_problem = [{row["problem_id"]: row["correct"] for row in one["rows"]} for one in answers]
    assert by_problem == [{"p0": False, "p1": True}] * 2


def test_a_judge_s_incorrect_answers_have_clusters(store, tmp_path):
    rows = ({"problem_id": f"p{n}", "text": f"It is {6 + n}", "gold": "7"} for n in range(3))
    import_rows(store, tmp_path, "r", *rows)
    judge, _ = add_rubric(store, rubric("http://127.0.0.1:1/v1"), "ann")
    name, version = pl.lit(judge.grader), pl.lit(judge.version)
    verdicts_copied(
        store, "r", grader=name, grader_version=version, correct=pl.col("problem_id") != "p1"
    )
    value = clusters_of(store, "r", "reasoning", silent, grader=judge.grader, incorrect=True)
    assert (value["n"], value["grader"]) == (1, "judge:check")


def test_what_was_interrupted_goes_on_with_the_rest(store, tmp_path, monkeypatch):
    rows = [{"problem_id": f"p{n}", "question": f"{n}?"} for n in range(6)]
    import_rows(store, tmp_path, "r", *rows)
    monkeypatch.setattr(grade, "GENERATIONS_PER_BATCH", 2)

    def stop(done, total, numbers):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vectors.embed_missing(store, "r", "question", stop)
    assert vectors.embed_missing(store, "r", "question") == 2
    rows, matrix = vectors.vectors_of(store, ["r"], "question", silent)
    assert rows["problem_id"].to_list() == [f"p{n}" for n in range(6)]
    assert np.array_equal(matrix, vectors.stored(embed([f"{n}?" for n in range(6)])))


def test_one_text_is_one_cluster(store, tmp_path):
    import_rows(store, tmp_path, "r")
    [row] = clusters_of(store, "r", "answer", silent)["clusters"]
    assert (row["n"], row["problems"], row["x"]) == (1, 1, 0)


def test_a_null_text_has_no_vector_and_ends_nothing(store):
    texts, scores = generated("one", "two")
    texts = texts.with_columns(pl.Series("text", [None, "a text"], pl.String))
    add_generations(store, texts, scores, run="r", stage="sft")
    assert search(store, "text", "r", "reasoning", 5, silent)["n"] == 1
    with pytest.raises(UserError, match="no reasoning"):
        more_like(store, "one", None, "reasoning", 5, silent)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (lambda store: search(store, "dog", None, "answer", 5, silent), "import"),
        (lambda store: search(store, "dog", "nope", "answer", 5, silent), "'nope'"),
        (lambda store: search(store, "", None, "answer", 5, silent), "expected words"),
        (lambda store: more_like(store, "nope", None, "answer", 5, silent), "'nope'"),
        (lambda store: clusters_of(store, "nope", "answer", silent), "runs list"),
    ],
)
def test_what_the_store_lacks_is_said(store, question, words):
    with pytest.raises(UserError, match=words):
        question(store)


def test_a_run_without_incorrect_answers_has_no_clusters_of_them(store, tmp_path):
    import_rows(store, tmp_path, "r")
    with pytest.raises(UserError, match="no incorrect generation"):
        clusters_of(store, "r", "reasoning", silent, incorrect=True)


def test_a_vector_depends_on_its_text_alone():
    texts = ["one", "two three", "", "\x00\ud7ff", "x" * 200_000, "the end " * 30_000]
    together = embed(texts)
    assert together.shape == (6, DIMENSIONS)
    for text, vector in zip(texts, together, strict=True):
        assert np.allclose(embed([text])[0], vector, atol=1e-6)
    assert np.allclose(np.linalg.norm(together, axis=1), [1, 1, 0, 1, 1, 1], atol=1e-5)
