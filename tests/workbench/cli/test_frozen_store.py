"""Commands that only read see the store at one moment, however many questions they ask."""

import json

from data.conversion import VERSION
from data.conversion.convert_source import convert_source
from data.sources.ingest import ingest
from data.store import annotations, store as store_module
from data.store.store import add, ask
from tests.support.evaluation import evaluate
from tests.support.store_rows import rows_of

COMMANDS = (
    "audit", "audit mine", f"audit mine --diff {VERSION} {VERSION}", "audit --row ID",
    "audit graders", "audit mine --export audit", "lineage ID", "lineage p0:eval-sft", "verify",
    "subset list", "subset show some", "subset diff some some", "subset check some",
    "subset export some --out some.jsonl", "subset new other --dry-run",
)  # fmt: skip


def test_a_command_that_only_reads_looks_at_the_store_once(here, say, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    row = {"prompt": "1 + 1?", "completion": "<think>so</think>\n\\boxed{2}"}
    (tmp_path / "mine.jsonl").write_text(json.dumps(row))
    ingest(here, "mine", tmp_path / "mine.jsonl", "completion")
    convert_source(here, "mine")
    [record] = ask(here, "select record_id from source_records")["record_id"]
    annotations.save_subset(here, "some", '{"of": "records"}', [record], author="Ann")
    question = rows_of("problems", problem_id=["p0"], question=["3 + 4?"], gold=["7"])
    add(here, "problems", question, run="r")
    evaluate(here, "eval-sft", "sft", ["7"])
    moments = []
    taken = store_module.taken
    monkeypatch.setattr(store_module, "taken", lambda *a: moments.append(a) or taken(*a))
    looks = {}
    for command in COMMANDS:
        moments.clear()
        _, printed, error = say(*command.replace("ID", record).split(), "--json")
        assert printed, error
        looks[command] = len(moments)
    assert looks == dict.fromkeys(COMMANDS, 1)
