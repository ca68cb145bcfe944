"""Samples of lm-evaluation-harness: one generation per text, whatever its filters and repeats."""

import json
from pathlib import Path
from typing import Any

import pytest

from data.errors import UserError
from data.store.store import ask
from evals.imports.formats import generations_of
from evals.imports.import_file import import_file
from evals.imports.records import Generation, Rejection, problem_id_of

WORK = "3 and 4 make 7\n#### 7"


def sample(doc_id: int = 0, filter_name: str = "strict-match", **fields: Any) -> dict[str, Any]:
    """A line as a present version writes it for GSM8K."""
    return {
        "doc_id": doc_id,
        "doc": {"question": f"{doc_id} + 4?", "answer": WORK},
        "target": WORK,
        "arguments": {"gen_args_0": {"arg_0": f"Q: {doc_id} + 4?\nA:", "arg_1": {"until": ["Q:"]}}},
        "resps": [["It makes 7"]],
        "filtered_resps": ["7"],
        "filter": filter_name,
        "metrics": ["exact_match"],
        "doc_hash": "0a",
        "exact_match": 1.0,
        **fields,
    }


def written(tmp_path: Path, *rows: dict | str) -> Path:
    path = tmp_path / "samples_gsm8k_2026-01-01T00-00-00.jsonl"
    path.write_text("".join(f"{r if isinstance(r, str) else json.dumps(r)}\n" for r in rows))
    return path


def only(path: Path) -> Generation:
    [record] = generations_of(path)
    assert isinstance(record, Generation)
    return record


def reasons(summary: dict[str, Any]) -> list[str]:
    lines = Path(summary["rejections"]).read_text().splitlines()
    return [json.loads(line)["reason"].partition(":")[0] for line in lines]


def test_a_line_becomes_a_generation_of_the_problem_that_gsm8k_has(tmp_path):
    assert only(written(tmp_path, sample(3))) == Generation(
        line=1,
        problem_id=problem_id_of("3 + 4?", "7"),
        question="3 + 4?",
        gold="7",
        text="It makes 7",
        label=True,
    )


def test_a_generation_under_two_filters_is_one_and_every_line_is_counted(store, tmp_path):
    lines = [sample(n, name) for name in ("strict-match", "flexible-extract") for n in range(3)]
    summary = import_file(store, written(tmp_path, *lines), "theirs")
    assert summary == {
        "run": "theirs",
        "read": 6,
        "imported": 3,
        "rejected": 0,
        "repeated": 3,
        "graders": ["lenient"],
    }
    query = "select stage, sample, text, label from generations"
    assert ask(store, query).rows() == [("import", 0, "It makes 7", True)] * 3


@pytest.mark.parametrize(
    ("verdicts", "label"),
    [((1, 1), True), ((0, 0), False), ((0, 1), None), ((1, 0.5), None), ((0, 1, 1), None)],
)
def test_a_label_is_kept_where_all_filters_agree(tmp_path, verdicts, label):
    lines = [sample(0, str(n), exact_match=verdict) for n, verdict in enumerate(verdicts)]
    labels = [
        row.label
        for row in generations_of(written(tmp_path, *lines))
        if isinstance(row, Generation)
    ]
    assert labels == [label]


def test_accuracy_is_a_verdict_too(tmp_path):
    line = sample(acc=0)
    del line["exact_match"]
    assert only(written(tmp_path, line)).label is False


def test_each_of_four_repeats_is_a_sample_without_a_label(store, tmp_path):
    texts = ["7", "8", "7", ""]
    lines = [sample(0, name, resps=[texts]) for name in ("strict-match", "flexible-extract")]
    summary = import_file(store, written(tmp_path, *lines), "theirs")
    assert (summary["read"], summary["imported"], summary["repeated"]) == (8, 4, 4)
    query = "select sample, text, label from generations order by sample"
    assert ask(store, query).rows() == [(n, text, None) for n, text in enumerate(texts)]


def test_two_documents_with_one_question_are_samples_of_one_problem(store, tmp_path):
    lines = [sample(n, doc={"question": "3 + 4?"}) for n in range(2)]
    assert import_file(store, written(tmp_path, *lines), "theirs")["imported"] == 2
    query = "select sample from generations order by sample"
    assert ask(store, query)["sample"].to_list() == [0, 1]


@pytest.mark.parametrize(
    ("again", "reason"),
    [
        (sample(0), "the document came before under the same filter"),
        (sample(0, "none", resps=[["8"]]), "the document came before with other texts"),
        (
            sample(0, "none", resps=[["It makes 7", "8"]]),
            "the document came before with other texts",
        ),
    ],
)
def test_a_document_that_comes_again_otherwise_is_rejected(store, tmp_path, again, reason):
    summary = import_file(store, written(tmp_path, sample(0), again), "theirs")
    assert (summary["read"], summary["imported"], reasons(summary)) == (2, 1, [reason])


def test_lines_of_the_first_versions_name_no_filter(store, tmp_path):
    line = sample()
    del line["filter"]
    summary = import_file(store, written(tmp_path, line, line), "theirs")
    assert (summary["read"], summary["imported"], summary["repeated"]) == (2, 1, 1)


def test_every_broken_line_is_rejected_with_its_reason(store, tmp_path):
    without = sample(9)
    del without["doc"], without["arguments"]
    path = written(
        tmp_path,
        sample(0),
        json.dumps(sample(1))[:100],
        sample(2, resps=[]),
        sample(3, resps=[[]]),
        sample(4, resps="7"),
        sample(5, resps=[[["-1.5", "False"]], [["-0.5", "True"]]]),
        sample(6, resps=[["7", None]]),
        sample(7, target=None, doc={"question": "?"}),
        sample(8, target=[["7"], "8"], doc={"question": "?"}),
        without,
        {"problem_id": "p", "question": "?", "gold": "7", "text": "7"},
    )
    summary = import_file(store, path, "theirs")
    assert (summary["read"], summary["imported"], summary["rejected"]) == (11, 1, 10)
    assert reasons(summary) == [
        "broken JSON",
        "resps is empty",
        "resps is empty",
        "resps is no list",
        "resps holds likelihoods of given answers, no texts",
        "resps holds something that is no text",
        "target is no text, nor a list of texts",
        "target is no text, nor a list of texts",
        "no question, problem, query in doc, and no prompt in arguments",
        "no doc_id and resps",
    ]


@pytest.mark.parametrize(
    ("target", "doc", "gold"),
    [
        (7, {"question": "?"}, "7"),
        (["7", "seven", None], {"question": "?"}, "7 \u27e8or\u27e9 seven"),
        (["so\n#### 7", 8], {"question": "?"}, "7 \u27e8or\u27e9 8"),
        ("['Paris', \"l'Isle\"]", {"question": "?"}, "Paris \u27e8or\u27e9 l'Isle"),
        ("['a', 'b']", {"question": "?", "output": "['a', 'b']"}, "['a', 'b']"),
        ("[1, 2]", {"question": "?", "answer": {"all": [1, 2]}}, "1 \u27e8or\u27e9 2"),
        ("[1, 2]", {"question": "?", "answer": "so [1, 2]"}, "[1, 2]"),
        ("[1, 2)", {"question": "?"}, "[1, 2)"),
        ("['a', ['b']]", {"question": "?"}, "['a', ['b']]"),
        ("7", {"question": "?", "answer": "so\n#### 7"}, "7"),
        ("\\frac{1}{2}", {"problem": "?", "answer": "1/2"}, "\\frac{1}{2}"),
        (None, {"question": "?", "answer": "so\n#### 1,000 "}, "1,000"),
    ],
)
def test_the_gold_is_what_follows_the_marker_else_the_target(tmp_path, target, doc, gold):
    assert only(written(tmp_path, sample(target=target, doc=doc))).gold == gold


@pytest.mark.parametrize(
    "arguments",
    [
        {"gen_args_0": {"arg_0": "Q: 3 + 4?", "arg_1": {}}},
        [["Q: 3 + 4?", {"until": []}]],
    ],
)
@pytest.mark.parametrize("doc", [None, {}, {"question": " "}, {"question": 3}])
def test_a_document_without_a_question_is_known_by_its_prompt(tmp_path, doc, arguments):
    assert only(written(tmp_path, sample(doc=doc, arguments=arguments))).question == "Q: 3 + 4?"


@pytest.mark.parametrize("arguments", [None, [], [[]], {}, {"gen_args_0": {}}, "Q", [[7]]])
def test_arguments_without_a_prompt_are_no_question(tmp_path, arguments):
    path = written(tmp_path, sample(doc=None, arguments=arguments))
    [record] = generations_of(path)
    assert isinstance(record, Rejection)
    assert record.reason == "no question, problem, query in doc, and no prompt in arguments"


def test_half_a_surrogate_pair_comes_in_as_a_question_mark(store, tmp_path):
    line = sample(doc={"question": "3\udfff 4?"}, resps=[["\ud800 7"]])
    assert import_file(store, written(tmp_path, line), "theirs")["imported"] == 1
    query = "select question, text from generations join problems using (problem_id)"
    assert ask(store, query).rows() == [("3? 4?", "? 7")]


def test_a_broken_first_line_does_not_hide_the_format(store, tmp_path):
    summary = import_file(store, written(tmp_path, "{", sample()), "theirs")
    assert (summary["imported"], summary["rejected"]) == (1, 1)


def test_a_file_of_likelihoods_only_is_refused(store, tmp_path):
    path = written(tmp_path, sample(resps=[[["-1.5", "False"]]]))
    with pytest.raises(UserError, match="line 1: resps holds likelihoods"):
        import_file(store, path, "theirs")


@pytest.mark.parametrize(
    ("doc", "question"),
    [
        ({"Problem": "3 + 4?", "Answer": 7}, "3 + 4?"),
        ({"Question": "3 + 4?", "Question ID": 5}, "3 + 4?"),
        ({"PROBLEM": "3 + 4?"}, "3 + 4?"),
        ({"Problem Statement": "3 + 4?"}, "3 + 4?"),
        ({"Question": ["no text"], "question": "3 + 4?"}, "3 + 4?"),
        ({"Question": "3 + 4?", "Problem": "unlike"}, "3 + 4?"),
        ({"prompt": "3 + 4?"}, "3 + 4?"),
        ({"Question": " "}, "Q: 0 + 4?\nA:"),
        ({"text": "3 + 4?"}, "Q: 0 + 4?\nA:"),
    ],
)
def test_the_question_is_a_field_of_the_document_in_any_case(tmp_path, doc, question):
    assert only(written(tmp_path, sample(doc=doc))).question == question


def test_a_gold_after_hashes_is_read_from_an_answer_in_any_case(tmp_path):
    row = sample(doc={"Question": "3 + 4?", "Answer": WORK}, target="see there")
    assert only(written(tmp_path, row)).gold == "7"
