"""Texts that would do harm, or break a page, if any of it were markup; and a store full of them."""

import json
from pathlib import Path

from data.conversion.convert_source import convert_source
from data.sources.ingest import ingest
from data.store import annotations, jobs, runs
from data.store.store import Store, add, ask
from evals.comparison.compare import grade_run
from evals.imports.import_file import import_file
from tests.support import harmless
from tests.support.store_rows import rows_of

check, elements, TURNING = harmless.check, harmless.elements, harmless.TURNING
TEXTS = {
    "script": "<script>alert(1)</script>",
    "handler": '<img src=x onerror="alert(1)"><svg onload=alert(1)>',
    "link": "[click](javascript:alert(1)) <javascript:alert(1)> ![x](javascript:alert(1))",
    "markdown": "# big\n\n| a | b |\n|---|---|\n:red[x] :material/home: **b** `c` ~~d~~",
    "latex": r"$\href{javascript:alert(1)}{x}$ $$\def\x{\x\x}\x$$ \[\input{/etc/passwd}\]",
    "close": "</pre></mark></details><script>alert(1)</script>",
    "tags": "<reasoning>" * 50 + "</answer>" * 50 + "<answer>",
    "bidi": "\u202egnp.exe\u202c \u2066x\u2069",
    "ansi": "\x1b[2J\x1b]0;owned\x07\x00\x9b31m",
    "long": "x" * 1_000_000,
    "entity": "&lt;script&gt;alert(1)&lt;/script&gt; &#60;b&#62;",
}


def fill(store: Store, folder) -> None:
    """Add rows of every kind in which each text, name, tag, reason and author is one of TEXTS."""
    for run in ("one", "two"):
        rows = [
            {
                "problem_id": f"{name} {text[:80]}",
                "question": text,
                "gold": text[:500],
                "text": f"<reasoning>{text}</reasoning>\n<answer>{text[:500]}</answer>{text[:99]}",
                "stage": "sft",
            }
            for name, text in TEXTS.items()
        ]
        file = folder / f"{run}.jsonl"
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        import_file(store, file, run)
        for grader in ("strict", "lenient"):
            grade_run(store, run, grader)
    ids = ask(store, "select generation_id from generations where run = 'one'")["generation_id"]
    for text in TEXTS.values():
        annotations.tag_all(
            store, "generation", ids.to_list(), text[:80].replace("\n", " "), text[:50]
        )
        annotations.save_view(store, text[:80], "failures", f"tag={text[:80]}", text[:50])
    rollouts(store)
    records(store, folder)
    job(store)


def records(store: Store, folder: Path) -> None:
    """Records of TEXTS, converted and ruled on; subsets of them, one chosen from the other."""
    file = folder / "\u202egnp <img src=x onerror=alert(1)> # big.jsonl"
    rows = [
        {"prompt": f"{text} and what?", "completion": f"<think>{text}</think>\n{text}"}
        for text in TEXTS.values()
    ]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    ingest(store, "hostile", file, "completion")
    convert_source(store, "hostile")
    record_ids = ask(store, "select record_id from records order by row_number")[
        "record_id"
    ].to_list()
    counted(store)
    parent = None
    for record, (name, text) in zip(record_ids, TEXTS.items(), strict=True):
        kind = "released" if name in ("markdown", "latex") else "quarantined"
        annotations.rule(store, record, kind, text[:5_000], text[:50])
        annotations.tag_all(store, "record", [record], text[:80], text[:50])
        recipe = json.dumps({"of": "records", "where": f"prompt contains {json.dumps(text[:500])}"})
        label = text[:80].replace("@", " ")
        version = annotations.save_subset(store, label, recipe, record_ids, parent, text[:50])
        parent = f"{label}@{version}"


def counted(store: Store) -> None:
    """Tokens of the examples, counted with tokenizers that are TEXTS."""
    examples = ask(store, "select example_id, record_id, source, converter from examples")
    runs.begin(store, "tokens", run="tokens-1", config={}, seed=None, inputs={})
    for text in TEXTS.values():
        n = examples.height
        rows = rows_of(
            "tokens",
            **examples.to_dict(as_series=False),
            tokenizer=[text[:80]] * n,
            **{part: [9] * n for part in ("prompt", "reasoning", "answer", "answer_end")},
            mask_is_exact=[True] * n,
        )
        add(store, "tokens", rows, run="tokens-1")
    runs.end(store, "tokens-1", "done", {})


def job(store: Store) -> None:
    """A job that has failed, whose words, message, log and progress are TEXTS."""
    texts = [text[:2_000].replace("\0", "") for text in TEXTS.values()]
    job, _ = jobs.submit(store, ["sft", *texts], texts[0])
    folder = jobs.folder_of(store, job.job)
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("\n".join(texts))
    done = {"step": 1, "of": 2, "numbers": {texts[0]: 1.0}, "began": 0, "first": 0, "at": 1}
    progress = {"runs": [[text[:80], f"sft-{text[:80]}"] for text in texts],
            "work": {text[:80]: done for text in texts}}  # fmt: skip
    (folder / "progress.json").write_text(json.dumps(progress))
    jobs.ended(store, job.job, "failed", 1, " ".join(texts))


def addresses(store: Store) -> list[tuple[str, dict[str, str]]]:
    """Every page, with each of its details open: the file of the page and its address."""
    [run] = {job.job for job in jobs.jobs(store)}
    subsets = ask(store, "select name || '@' || version as label from subsets order by name")
    first, second = subsets["label"].to_list()[:2]
    records = ask(store, "select record_id from records order by row_number")["record_id"]
    generations = ask(
        store, "select generation_id from generations where run = 'one' order by 1"
    )["generation_id"].to_list()  # fmt: skip
    also = {"list": "true", "show": "raw"}
    return [
        ("overview", {}),
        *(("audit", {"record": record} | also) for record in records),
        ("audit", {"view": "Defects by source"}),
        ("audit", {"view": "What training sees"}),
        *(("failures", {"generation": one} | also) for one in generations),
        ("rollouts", {}),
        ("compare", {}),
        ("curate", {"source": "hostile"}),
        ("curate", {"part": "Versions", "first": first, "second": second}),
        ("curate", {"part": "Own answers"}),
        *(("lineage", {"id": one, "step0": "true"}) for one in (records[0], generations[0])),
        ("train", {"job": run}),
        ("train", {"verb": "sft", "data.subset": first, "job": run}),
    ]


def rollouts(store: Store) -> None:
    """A GRPO run of one step whose texts and names of rewards are TEXTS."""
    texts = list(TEXTS.values())
    n = len(texts)
    runs.begin(store, "grpo", run="grpo-1", stage="grpo", config={}, seed=0, inputs={})
    rows = rows_of(
        "rollouts",
        step=[1] * n,
        group=[0] * n,
        sample=list(range(n)),
        problem_id=[texts[0]] * n,
        text=texts,
        tokens=[5] * n,
        finish=["stop"] * n,
        rewards=[[{"name": text[:80], "value": 1.0, "weight": 1.0}] for text in texts],
        reward=[1.0] * n,
        advantage=[0.0] * n,
    )
    add(store, "rollouts", rows, run="grpo-1")
    metrics = rows_of("metrics", step=[1] * n, name=[f"guard/{text[:80]}" for text in texts],
                      value=[1.0] * n)  # fmt: skip
    add(store, "metrics", metrics, run="grpo-1")
    runs.end(store, "grpo-1", "done", {})
