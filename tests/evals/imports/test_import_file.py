"""Imports store generations with labels, problems and scores, and rejections with reasons."""

import json
from pathlib import Path

import pytest

from data.conversion.convert_source import convert_source
from data.errors import UserError
from data.sources.ingest import ingest
from data.store import runs
from data.store.files import StoreError
from data.store.runs import RunExists
from data.store.store import Store, ask
from evals.comparison.compare import compare, grade_run
from evals.imports import import_file as imports
from evals.imports.import_file import import_file
from evals.scores.pairs import NothingInCommon
from tests import ROOT

OPENAI = ROOT.parent / "shared" / "data" / "openai_gsm8k_model_solutions.jsonl"
ROW = {"problem_id": "p1", "question": "3 + 4?", "gold": "7", "text": "It makes 7"}


def jsonl(tmp_path: Path, *rows: dict | str, name: str = "generations.jsonl") -> Path:
    path = tmp_path / name
    path.write_text("".join(f"{r if isinstance(r, str) else json.dumps(r)}\n" for r in rows))
    return path


def test_a_neutral_file_becomes_a_run_with_problems_texts_labels_and_scores(store, tmp_path):
    path = jsonl(
        tmp_path, {**ROW, "label": True}, {**ROW, "sample": 1, "stage": "base", "text": "8"}
    )
    summary = import_file(store, path, "theirs")
    counts = {"run": "theirs", "read": 2, "imported": 2, "rejected": 0}
    assert summary == counts | {"graders": ["lenient"]}
    query = """
        select stage, sample, text, label, correct, question, gold
        from generations
        join scores using (generation_id, stage, sample, problem_id)
        join problems using (problem_id)
        where grader = 'lenient'
        order by stage
    """
    assert ask(store, query).rows() == [
        ("base", 1, "8", None, False, "3 + 4?", "7"),
        ("import", 0, "It makes 7", True, True, "3 + 4?", "7"),
    ]
    assert (runs.state(store, "theirs") or {})["summary"] == summary


def test_finish_and_tokens_come_in_where_the_file_knows_them(store, tmp_path):
    rows = [{}, {"finish": "length", "tokens": 4}, {"finish": None, "tokens": None}]
    path = jsonl(tmp_path, *({**ROW, "sample": n, **row} for n, row in enumerate(rows)))
    import_file(store, path, "theirs")
    for table in ("generations", "(from scores where grader = 'lenient')"):
        query = f"select finish, tokens from {table} order by sample"
        assert ask(store, query).rows() == [(None, None), ("length", 4), (None, None)]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"tokens": 12.0}, (0, 12, None)),
        ({"tokens": float("nan")}, (0, None, None)),
        ({"sample": 3.0, "tokens": 1e3}, (3, 1000, None)),
        ({"sample": None, "tokens": -0.0}, (0, 0, None)),
        ({"label": 1.0}, (0, None, True)),
        ({"label": float("nan"), "finish": float("nan")}, (0, None, None)),
    ],
)
def test_a_whole_number_may_be_written_as_a_table_with_gaps_writes_it(
    store, tmp_path, row, expected
):
    import_file(store, jsonl(tmp_path, {**ROW, **row}), "theirs")
    assert ask(store, "select sample, tokens, label from generations").row(0) == expected


@pytest.mark.parametrize("tokens", [12.5, -1.0, 1e300, float("inf"), True, "12"])
def test_what_is_no_whole_number_rejects_its_row(store, tmp_path, tokens):
    path = jsonl(tmp_path, ROW, {**ROW, "sample": 1, "tokens": tokens})
    assert import_file(store, path, "theirs")["rejected"] == 1


def test_rows_of_several_runs_are_stages_that_can_be_compared(store, tmp_path):
    rows = [{"run": "a"}, {"run": "b", "text": "8"}, {"run": "b", "stage": "sft"}, {"run": ""}]
    import_file(store, jsonl(tmp_path, *({**ROW, **row} for row in rows)), "theirs")
    query = "select stage from generations order by stage"
    stages = ask(store, query)["stage"].to_list()
    assert stages == ["a.import", "b.import", "b.sft", "import"]
    comparison = compare(store, "theirs/a.import", "theirs/b.import", "lenient")
    assert comparison["metrics"]["answer"]["broken"] == 1


def test_every_line_is_imported_or_kept_with_the_reason_why_not(store, tmp_path):
    path = jsonl(
        tmp_path,
        ROW,
        "{not json",
        "[1]",
        {"problem_id": "p2", "question": "?"},
        {**ROW, "gold": [[7]]},
        {**ROW, "sample": -1},
        {**ROW, "sample": 2, "label": "yes"},
        {**ROW, "text": "once more"},
        {**ROW, "finish": "eos"},
        {**ROW, "tokens": 2**31},
        {**ROW, "run": 7},
        '{"problem_id": "p1", "question": "q", "gold": "7", "text": "7", "text": "8"}',
        {**ROW, "sample": 3, "question": " "},
        {**ROW, "sample": 4, "gold": float("nan")},
        {**ROW, "sample": 5, "text": float("inf")},
        {**ROW, "sample": 6, "problem_id": ""},
    )
    summary = import_file(store, path, "theirs")
    assert (summary["read"], summary["imported"], summary["rejected"]) == (16, 1, 15)
    rejected = [json.loads(line) for line in Path(summary["rejections"]).read_text().splitlines()]
    assert [(row["line"], row["reason"].partition(":")[0]) for row in rejected] == [
        (2, "broken JSON"),
        (3, "not a JSON object"),
        (4, "missing or no text"),
        (5, "missing or no text"),
        (6, "sample is no whole number from 0"),
        (7, "label is not true, false or null"),
        (8, "same stage, problem and sample as another; number the samples"),
        (9, "finish is not stop, length or null"),
        (10, "tokens is no whole number from 0"),
        (11, "run is no text"),
        (12, "the key text twice"),
        (13, "question is empty"),
        (14, "missing or no text"),
        (15, "missing or no text"),
        (16, "problem_id is empty"),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b'{"text": "caf\xe9"}\n', "is not UTF-8: line 1 holds byte 0xe9"),
        (b"{broken\n", "line 1: broken JSON"),
        (b'\n{"text": "7"}\n', "line 2: missing or no text: problem_id, question, gold"),
        (b"1" * 5000, "line 1: broken JSON"),
        (b"[" * 100_000, "line 1: broken JSON"),
    ],
)
def test_a_file_without_generations_is_refused_and_leaves_no_run(store, tmp_path, content, reason):
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    with pytest.raises(UserError, match=reason) as error:
        import_file(store, path, "theirs")
    assert "Expected UTF-8 with one JSON object a line" in str(error.value)
    assert runs.state(store, "theirs") is None


def test_a_missing_file_and_a_folder_are_refused(store, tmp_path):
    with pytest.raises(UserError, match="is missing"):
        import_file(store, tmp_path / "nowhere.jsonl", "theirs")
    with pytest.raises(UserError, match="is a folder"):
        import_file(store, tmp_path, "theirs")


def test_a_name_that_leaves_the_store_is_refused(store, tmp_path):
    with pytest.raises(StoreError, match="cannot name a folder"):
        import_file(store, jsonl(tmp_path, ROW), "../theirs")


def test_a_run_that_is_done_is_not_imported_over(store, tmp_path):
    path = jsonl(tmp_path, ROW)
    import_file(store, path, "theirs")
    with pytest.raises(RunExists):
        import_file(store, path, "theirs")
    assert ask(store, "select count(*) from generations").item() == 1


def test_an_import_that_was_cut_off_goes_on_without_doubling(
    store: Store, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    path = jsonl(tmp_path, *({**ROW, "sample": n} for n in range(5)))
    monkeypatch.setattr(imports, "GENERATIONS_PER_PART", 2)
    with monkeypatch.context() as cut:
        cut.setattr(imports, "grade_generations", cut_off_after(1))
        with pytest.raises(KeyboardInterrupt):
            import_file(store, path, "theirs")
    assert ask(store, "select count(*) from generations").item() == 2
    import_file(store, path, "theirs")
    query = "select count(*), count(distinct generation_id) from generations"
    assert ask(store, query).row(0) == (5, 5)
    assert ask(store, "select count(*) from problems").item() == 1


def cut_off_after(calls: int):
    left = [calls]

    def graded(generations, grader):
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        return imports_graded(generations, grader)

    return graded


imports_graded = imports.grade_generations


def test_the_same_question_and_gold_are_one_problem_across_imports(store, tmp_path):
    import_file(store, jsonl(tmp_path, ROW, name="a"), "a")
    import_file(store, jsonl(tmp_path, {**ROW, "problem_id": "x", "text": "8"}, name="b"), "b")
    comparison = compare(store, "a", "b", "lenient")
    assert (comparison["n"], comparison["metrics"]["answer"]["broken"]) == (1, 1)


def test_one_id_for_two_problems_pairs_nothing(store, tmp_path):
    import_file(store, jsonl(tmp_path, ROW, name="a"), "a")
    import_file(store, jsonl(tmp_path, {**ROW, "question": "9 - 1?", "gold": "8"}, name="b"), "b")
    with pytest.raises(NothingInCommon):
        compare(store, "a", "b", "lenient")
    golds = ask(store, "select problem_id, gold from problems order by gold").rows()
    assert len({problem for problem, _ in golds}) == 2


def test_two_ids_for_one_question_stay_two_problems(store, tmp_path):
    import_file(store, jsonl(tmp_path, ROW, {**ROW, "problem_id": "p2"}), "theirs")
    assert ask(store, "select count(distinct generation_id) from generations").item() == 2


def test_openais_solutions_import_whole_and_agree_with_their_labels(store):
    if not OPENAI.exists():
        pytest.skip(f"{OPENAI.name} is not beside this checkout")
    summary = import_file(store, OPENAI, "openai")
    counts = {"run": "openai", "read": 5_276, "imported": 5_276, "rejected": 0}
    assert summary == counts | {"graders": ["lenient"]}
    graded = grade_run(store, "openai", "lenient")
    assert [graded[name] for name in ("n", "unknown", "agree", "disagree")] == [5_276, 0, 5_276, 0]
    assert Path(graded["disagreements"]).read_text() == ""
    stages = {row["stage"]: row["answer"]["value"] for row in graded["stages"]}
    assert {stage: round(value, 3) for stage, value in stages.items()} == {
        "175b_finetuning": 0.347,
        "175b_verification": 0.563,
        "6b_finetuning": 0.217,
        "6b_verification": 0.39,
    }
    change = compare(store, "openai/6b_finetuning", "openai/175b_verification", "lenient")
    assert change["metrics"]["answer"]["n"] == 1_319


def test_a_problem_has_one_id_imported_and_converted(store, tmp_path):
    solved = {"m": {"is_correct": True, "solution": "7"}}
    row = {"question": " 3 + 4? ", "ground_truth": "3 + 4 is 7\nA: 7", **solved}
    import_file(store, jsonl(tmp_path, row), "openai")
    rows = tmp_path / "test.jsonl"
    rows.write_text(json.dumps({"question": " 3 + 4? ", "answer": "3 + 4 is 7\n#### 7"}))
    ingest(store, "gsm8k", rows)
    convert_source(store, "gsm8k")
    query = "select count(*), count(distinct problem_id) from problems"
    assert ask(store, query).row(0) == (2, 1)


def test_half_a_surrogate_pair_in_openais_solutions_is_imported_as_a_question_mark(store, tmp_path):
    solved = {"m": {"is_correct": True, "solution": "\ud800 7"}}
    path = jsonl(tmp_path, {"question": "3\udfff 4?", "ground_truth": "A: 7", **solved})
    assert import_file(store, path, "openai")["imported"] == 1
    query = "select question, text from generations join problems using (problem_id)"
    assert ask(store, query).rows() == [("3? 4?", "? 7")]


def test_a_device_is_not_said_to_be_missing(store):
    with pytest.raises(UserError, match="/dev/null is a pipe or a device"):
        import_file(store, Path("/dev/null"), "theirs")


def bytes_of(*rows: dict) -> list[bytes]:
    return [json.dumps(row, ensure_ascii=False).encode() for row in rows]


@pytest.mark.parametrize("end", [b'{"problem_id": "p2", "ques', None])
def test_a_last_line_that_is_cut_off_even_within_a_character_is_rejected(store, tmp_path, end):
    first, second = bytes_of(ROW, {**ROW, "sample": 1, "finish": None, "text": "caf\u00e9"})
    path = tmp_path / "a.jsonl"
    path.write_bytes(first + b"\n" + (end or second.partition(b"\xa9")[0]))
    summary = import_file(store, path, "theirs")
    assert (summary["read"], summary["imported"], summary["rejected"]) == (2, 1, 1)


def test_a_character_that_ends_within_another_line_is_no_utf_8(store, tmp_path):
    first, second = bytes_of(ROW, {**ROW, "sample": 1, "text": "caf\u00e9"})
    path = tmp_path / "a.jsonl"
    path.write_bytes(first + b"\n" + second.partition(b"\xa9")[0] + b"\n" + first)
    with pytest.raises(UserError, match="line 2 holds byte 0xc3"):
        import_file(store, path, "theirs")


def test_files_that_were_put_together_may_have_a_mark_where_each_begins(store, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(b"\xef\xbb\xbf" + row + b"\r\n" for row in bytes_of(
        ROW, {**ROW, "sample": 1})))  # fmt: skip
    assert import_file(store, path, "theirs")["imported"] == 2


def test_stages_whose_names_differ_stay_apart(store, tmp_path):
    names = ("a b", "a-b", "a/b", "A b", "..", "", "x" * 300, "x" * 301, "\u4e2d", "\u6587")
    rows = ({**ROW, "stage": name, "text": f"{n}"} for n, name in enumerate(names))
    assert import_file(store, jsonl(tmp_path, *rows), "theirs")["imported"] == len(names)
    stages = ask(store, "select stage from generations order by text::int")["stage"].to_list()
    assert stages[:6] == ["a-b-2", "a-b", "a-b-3", "A-b-4", "import-2", "import"]
    assert len(set(stages)) == len(names)


def test_an_id_that_a_table_with_gaps_writes_as_a_fraction_is_the_whole_number(store, tmp_path):
    rows = ({**ROW, "problem_id": name, "sample": n} for n, name in enumerate((1, 1.0, "1")))
    import_file(store, jsonl(tmp_path, *rows), "theirs")
    assert ask(store, "select distinct problem_id from generations").rows() == [("1",)]


def test_a_problem_without_reference_answer_does_not_make_the_others_symbolic(store, tmp_path):
    path = jsonl(tmp_path, ROW, {**ROW, "problem_id": "p2", "gold": " "})
    assert import_file(store, path, "theirs")["graders"] == ["lenient"]
