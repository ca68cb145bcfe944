"""Imports beside others, and imports that were broken off: no row under another file's name."""

import json
import os
import subprocess
import sys

import pytest

from data.errors import UserError
from data.store import files, runs
from data.store.files import locked
from data.store.store import add_generations, ask
from evals.audit.verify import verify
from evals.imports import import_file as imports
from evals.imports.import_file import import_file
from evals.scores import grade_missing
from tests import ROOT
from tests.support.store_rows import generated

ROW = {"problem_id": "0", "question": "3 + 4?", "gold": "7", "text": "It makes 7"}


def jsonl(folder, name, *rows):
    path = folder / name
    path.write_text("".join(json.dumps(ROW | row) + "\n" for row in rows))
    return path


def texts(store):
    return ask(store, "select text from generations order by 1")["text"].to_list()


@pytest.fixture
def broken_off(store, tmp_path, monkeypatch):
    """An import of a.jsonl as `m` that was interrupted after its first part."""
    path = jsonl(tmp_path, "a.jsonl", *({"sample": n, "text": f"a {n}"} for n in range(4)))
    with monkeypatch.context() as cut:
        cut.setattr(imports, "GENERATIONS_PER_PART", 2)
        cut.setattr(imports, "categorise_missing", lambda *_: pytest.fail("not so far"))
        whole, calls = imports.add_generations, []

        def once(*arguments, **named):
            if calls:
                raise KeyboardInterrupt
            calls.append(1)
            whole(*arguments, **named)

        cut.setattr(imports, "add_generations", once)
        with pytest.raises(KeyboardInterrupt):
            import_file(store, path, "m")
    return path


def test_an_import_that_was_broken_off_is_not_completed_by_another_file(
    store, broken_off, tmp_path
):
    other = jsonl(tmp_path, "b.jsonl", *({"sample": n, "text": f"b {n}"} for n in range(4)))
    with pytest.raises(UserError, match=r"begun by the import of another file, a\.jsonl.*"
                       r"thinkbench store delete m"):  # fmt: skip
        import_file(store, other, "m")
    assert texts(store) == ["a 0", "a 1"]
    import_file(store, other, "n")
    import_file(store, broken_off, "m")
    assert texts(store) == [f"{file} {n}" for file in "ab" for n in range(4)]


def test_the_same_content_completes_it_whatever_the_file_is_named(store, broken_off):
    import_file(store, broken_off.rename(broken_off.with_name("moved.jsonl")), "m")
    assert texts(store) == ["a 0", "a 1", "a 2", "a 3"]


@pytest.mark.parametrize(
    "change", [lambda text: text + text.replace("a ", "c "), lambda text: text[:-30],
               lambda text: text + "\n", lambda text: text.replace("a 0", "a 9"),
               lambda text: text.replace('"7"', '"8"')],
)  # fmt: skip
def test_a_file_that_was_edited_since_is_another_file(store, broken_off, change):
    broken_off.write_text(change(broken_off.read_text()))
    with pytest.raises(UserError, match="another file"):
        import_file(store, broken_off, "m")


def test_after_its_deletion_the_name_is_free_for_another_file(store, broken_off, tmp_path):
    other = jsonl(tmp_path, "b.jsonl", {"text": "b"})
    runs.delete(store, "m")
    import_file(store, other, "m")
    assert texts(store) == ["b"]


def test_the_unfinished_run_of_another_command_is_not_completed_by_an_import(store, tmp_path):
    runs.begin(store, "eval", run="m", config={}, seed=0, inputs={})
    with pytest.raises(UserError, match="begun by the command eval"):
        import_file(store, jsonl(tmp_path, "a.jsonl", {}), "m")


def test_a_name_that_another_import_works_on_is_refused(store, tmp_path, monkeypatch):
    with locked(store.folder / "imports/m"), pytest.raises(UserError, match="locked by another"):
        import_file(store, jsonl(tmp_path, "a.jsonl", {}), "m")
    assert runs.state(store, "m") is None


def test_the_name_of_the_bundled_model_is_refused(store, tmp_path):
    with pytest.raises(UserError, match="names the bundled model"):
        import_file(store, jsonl(tmp_path, "a.jsonl", {}), "tiny")


def both(store, *programs):
    """Run Python programs at once: they start their work together."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "STORE": str(store.folder)}
    start = (
        "import os, sys\nfrom pathlib import Path\nfrom data.store import open_store\n"
        "from evals.imports.import_file import import_file\n"
        "from evals.scores import grade_missing\n"
        "store = open_store(Path(os.environ['STORE']))\n"
        "print('ready', flush=True)\nsys.stdin.readline()\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", start + program], cwd=ROOT, env=environment,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for program in programs
    ]  # fmt: skip
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=120)
    assert [process.returncode for process in processes] == [0] * len(programs)


def test_two_at_once_give_no_id_to_two_problems_and_store_each_verdict_once(store, tmp_path):
    for n in range(20):
        add_generations(store, *generated(*(f"g{n}-{i}" for i in range(50))), run="r", stage="s")
    programs = []
    for name, gold in (("a", "7"), ("b", "8")):
        rows = [
            {"problem_id": str(n), "question": f"{name} {n}?", "gold": gold} for n in range(200)
        ]
        path = jsonl(tmp_path, f"{name}.jsonl", *rows)
        programs.append(
            f"import_file(store, Path({str(path)!r}), {name!r})\n"
            "grade_missing(store, 'r', 'lenient')"
        )
    both(store, *programs)
    query = """
        select count(*), count(distinct problem_id), count(distinct (problem_id, question, gold))
        from problems
    """
    assert ask(store, query).row(0) == (400, 400, 400)
    results = [verify(store, run) for run in ("a", "b")]
    assert [(row["verified"], row["generations"]) for row in results] == [(True, 200)] * 2
    query = """
        select count(*), count(distinct generation_id) from scores
        where grader = 'lenient' and run = 'r'
    """
    assert ask(store, query).row(0) == (1000, 1000)


def test_two_graders_without_locks_write_the_same_part(store):
    add_generations(store, *generated("a", "b"), run="r", stage="s")
    grade_missing(store, "r", "lenient")
    [written] = (store.folder / "scores/run=r/stage=s").glob("part-*")
    name = written.name
    written.unlink()
    for file in store.folder.glob("state.db*"):
        file.unlink()
    grade_missing(store, "r", "lenient")
    [again] = (store.folder / "scores/run=r/stage=s").glob("part-*")
    assert again.name == name


def test_nothing_is_locked_where_nothing_is_to_be_graded(store, monkeypatch):
    add_generations(store, *generated("a", "b"), run="r", stage="s")
    grade_missing(store, "r", "lenient")
    monkeypatch.setattr(files, "exclusive", lambda *_: pytest.fail("locked"))
    grade_missing(store, "r", "lenient")
    with pytest.raises(pytest.fail.Exception):
        grade_missing(store, "r", "math")
