"""Every table of the store: its columns and their types. Times are UTC; ids are text that sorts."""

from typing import Any

import polars as pl

from data.store.files import StoreError

FORMAT_VERSION = 1

# Kinds of runs. Questions bind these, and name no kind of evaluation themselves.
HELD_OUT = "eval"
OF_TRAIN_PROBLEMS = "eval-train"  # no held-out score counts it
EVALUATIONS = (HELD_OUT, OF_TRAIN_PROBLEMS)
IMPORT = "import"
IMPORTED_ROLLOUTS = "import-rollouts"
PLAYGROUND = "playground"  # answers to one question of a person; no held-out score counts it
WITH_PROBLEMS = (IMPORT, PLAYGROUND)  # whose problems may be stored with the run
WITH_ROLLOUTS = ("grpo", IMPORTED_ROLLOUTS)
ANSWERS = (*EVALUATIONS, *WITH_PROBLEMS)
HELD_OUT_ANSWERS = (HELD_OUT, IMPORT)
TRAINING = ("sft", "dpo", "grpo")

TIME = pl.Datetime("us", "UTC")
SPAN = {"field": pl.String, "start": pl.Int64, "end": pl.Int64}

DEFECT = pl.Struct({"phrase": pl.String, "severity": pl.String, **SPAN})
REWRITE = pl.Struct({"rule": pl.String, **SPAN, "before": pl.String, "after": pl.String})
CATEGORY = pl.Struct({"name": pl.String, "start": pl.Int64, "end": pl.Int64})
REWARD = pl.Struct({"name": pl.String, "value": pl.Float64, "weight": pl.Float64})

# Written by commands, as immutable Parquet parts. `run` and `stage` are columns like any other.
TABLES: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "records": {
        "record_id": pl.String,  # hash of source, shape, body and split
        "source": pl.String,
        "shape": pl.String,  # stratos | gsm8k | messages | completion
        "split": pl.String,
        "row_number": pl.Int64,  # in its file, from 0
        "origin": pl.String,  # file name, or hub name @ revision
        "body": pl.String,  # the row as it was read, as JSON with sorted keys
        "run": pl.String,
    },
    "conversions": {
        "record_id": pl.String,
        "source": pl.String,
        "converter": pl.String,  # version of the converter, and the repair rules it used
        "outcome": pl.String,  # example | quarantined
        "reason": pl.String,  # the defect that quarantined the record, or null
        "dialect": pl.String,  # null where no marker was found
        "pattern": pl.String,  # which of four markers occur, as 1111 (data/conversion/blocks.py)
        "defects": pl.List(DEFECT),
        "run": pl.String,
    },
    "examples": {
        "example_id": pl.String,
        "record_id": pl.String,
        "source": pl.String,
        "converter": pl.String,
        "prompt": pl.String,
        "reasoning": pl.String,
        "answer": pl.String,
        "reasoning_start": pl.Int64,  # [characters] into the assistant's text of the record
        "reasoning_end": pl.Int64,
        "answer_start": pl.Int64,
        "answer_end": pl.Int64,
        "rewrites": pl.List(REWRITE),
        "run": pl.String,
    },
    "tokens": {
        "example_id": pl.String,
        "record_id": pl.String,
        "source": pl.String,
        "converter": pl.String,
        "tokenizer": pl.String,  # name of a model that has it, @, hash of its files
        "prompt": pl.Int64,  # with instruction and template
        "reasoning": pl.Int64,
        "answer": pl.Int64,
        "answer_end": pl.Int64,  # tokens up to and including </answer>
        "mask_is_exact": pl.Boolean,  # the loss covers exactly the completion and its stop token
        "run": pl.String,
    },
    "problems": {
        "problem_id": pl.String,
        "record_id": pl.String,
        "source": pl.String,
        "split": pl.String,  # train | validation | test
        "question": pl.String,
        "gold": pl.String,
        "steps": pl.Int32,  # number of reasoning steps, null where unknown
        "run": pl.String,
    },
    "runs": {  # events; the view `runs` shows the last state of each run
        "run": pl.String,
        "kind": pl.String,  # ingest | convert | export | grade, or a constant from above
        "stage": pl.String,
        "event": pl.String,  # started | done | failed | interrupted | deleted | restored
        "at": TIME,
        "config": pl.String,  # JSON
        "seed": pl.Int64,
        "code": pl.String,  # revision, or hash of the source where there is no git
        "inputs": pl.String,  # JSON: name -> hash
        "parent": pl.String,
        "summary": pl.String,  # JSON, null until it ends
    },
    "checkpoints": {
        "checkpoint": pl.String,
        "run": pl.String,
        "stage": pl.String,
        "step": pl.Int64,
        "path": pl.String,
        "metric": pl.Float64,  # held-out answer accuracy, null where not measured
        "metric_n": pl.Int64,
        "best": pl.Boolean,
        "at": TIME,
    },
    "generations": {  # wide: stored under texts/
        "generation_id": pl.String,
        "run": pl.String,
        "stage": pl.String,
        "problem_id": pl.String,
        "sample": pl.Int32,
        "text": pl.String,
        "tokens": pl.Int32,  # null where unknown (most imports)
        "finish": pl.String,  # stop | length | null where unknown
        "seed": pl.Int64,
        "settings": pl.String,  # JSON: temperature, top_k, top_p, max_tokens
        "label": pl.Boolean,  # correctness by the label of an import, else null
    },
    "scores": {  # narrow: what most questions read
        "generation_id": pl.String,
        "run": pl.String,
        "stage": pl.String,
        "problem_id": pl.String,
        "sample": pl.Int32,
        "grader": pl.String,
        "grader_version": pl.String,
        "format": pl.Boolean,
        "extracted": pl.String,
        "correct": pl.Boolean,  # null: could not be decided
        "partial": pl.Boolean,
        "reason": pl.String,  # why unknown, else null
        "tokens": pl.Int32,
        "finish": pl.String,
    },
    "failures": {  # a row for each generation, also for those without findings
        "generation_id": pl.String,
        "run": pl.String,
        "stage": pl.String,
        "problem_id": pl.String,
        "sample": pl.Int32,
        "version": pl.String,  # of evals/failures/categories.py
        "categories": pl.List(CATEGORY),
    },
    "judge_replies": {  # of a judge, once for each request; wide
        "request": pl.String,  # hash of all that was sent
        "model": pl.String,
        "seed": pl.Int64,  # null where the server refuses one
        "mark": pl.String,  # which the reply must repeat
        "reply": pl.String,  # as it came
        "finish": pl.String,
        "prompt_tokens": pl.Int64,  # null where the server does not say
        "completion_tokens": pl.Int64,
        "cost": pl.Float64,  # null without the rubric's prices
        "at": TIME,
        "run": pl.String,  # of the judge
    },
    "judgements": {  # which reply a judge's score is from
        "generation_id": pl.String,
        "run": pl.String,
        "stage": pl.String,
        "grader": pl.String,
        "grader_version": pl.String,
        "request": pl.String,
        "points": pl.Int32,  # null unless the scale has points
        "category": pl.String,  # of failure, as the judge says; null: none
    },
    "judge_pairs": {  # two completions of a problem, compared in both orders
        "problem_id": pl.String,
        "generation_a": pl.String,
        "generation_b": pl.String,
        "grader": pl.String,
        "grader_version": pl.String,
        "forward": pl.String,  # the request with a first
        "backward": pl.String,  # the request with b first
        "prefers_forward": pl.String,  # a | b | tie | null where the reply does not say
        "prefers_backward": pl.String,
        "winner": pl.String,  # a | b where both orders agree, else tie; null: unknown
        "run": pl.String,  # of the comparison
    },
    "embeddings": {  # vectors of texts, made when they are asked for; wide
        "generation_id": pl.String,
        "run": pl.String,
        "stage": pl.String,
        "problem_id": pl.String,
        "sample": pl.Int32,
        "field": pl.String,  # question | reasoning | answer
        "method": pl.String,  # the model and its version
        "vector": pl.Binary,  # a signed number in each byte; null where there is no text
    },
    "rollouts": {
        "run": pl.String,
        "step": pl.Int64,
        "group": pl.Int64,
        "sample": pl.Int32,
        "problem_id": pl.String,
        "text": pl.String,
        "tokens": pl.Int32,
        "finish": pl.String,
        "rewards": pl.List(REWARD),
        "reward": pl.Float64,  # weighted sum
        "advantage": pl.Float64,  # null where it is discarded
        "attempt": pl.Int32,  # which try at its position of the batch, from 0; null: the only one
        "discarded": pl.Boolean,  # another try replaced it, so it was not trained on; null: no
    },
    "rollout_origins": {  # a row for each rollout that was imported; wide
        "run": pl.String,
        "step": pl.Int64,
        "group": pl.Int64,
        "sample": pl.Int32,
        "file": pl.String,  # relative to the folder of the log
        "line": pl.Int64,  # from 1
        "prompt": pl.String,  # as the log has it, with the markers of a chat template
        "completion": pl.String,  # likewise; null where it is the rollout's text
        "extra": pl.String,  # JSON: fields of the log that no column holds
        "recomputed": pl.List(pl.String),  # reward | advantage | gold | group: not of the log
    },
    "rollout_scores": {  # verdicts of a grader on rollouts, made when they are asked for
        "run": pl.String,
        "step": pl.Int64,
        "group": pl.Int64,
        "attempt": pl.Int32,  # 0 where the rollout has none
        "sample": pl.Int32,
        "problem_id": pl.String,
        "grader": pl.String,
        "grader_version": pl.String,
        "format": pl.Boolean,
        "extracted": pl.String,
        "correct": pl.Boolean,  # null: could not be decided
        "partial": pl.Boolean,
        "reason": pl.String,
    },
    "rollout_failures": {  # likewise; a row for each rollout, also for those without findings
        "run": pl.String,
        "step": pl.Int64,
        "group": pl.Int64,
        "attempt": pl.Int32,
        "sample": pl.Int32,
        "version": pl.String,  # of evals/failures/categories.py
        "categories": pl.List(CATEGORY),
    },
    "preference_pairs": {  # what a run of DPO trained on; wide
        "run": pl.String,
        "pair": pl.Int64,  # from 0
        "problem_id": pl.String,
        "question": pl.String,
        "chosen": pl.String,  # the correct answer
        "rejected": pl.String,  # the incorrect one
        "rejected_finish": pl.String,  # stop | length | null where unknown
        "margin": pl.Float64,  # of format, answer and partial, in the mean
        "chosen_run": pl.String,  # that wrote it
        "chosen_by": pl.String,  # the generation's id, or step, group and sample of a rollout
        "rejected_run": pl.String,
        "rejected_by": pl.String,
    },
    "metrics": {
        "run": pl.String,
        "step": pl.Int64,
        "name": pl.String,
        "value": pl.Float64,
        "at": TIME,
    },
}

# Tables with rows of single runs. The other tables are shared by all runs.
OF_RUNS = (
    "generations",
    "scores",
    "failures",
    "judgements",
    "embeddings",
    "rollouts",
    "rollout_origins",
    "rollout_scores",
    "rollout_failures",
    "preference_pairs",
    "metrics",
)


def is_evaluation(kind: str) -> bool:
    """Whether a run of this kind is an evaluation by thinkbench, whatever problems it answered."""
    return kind in EVALUATIONS


def name_of_kind(kind: str) -> str:
    """The kind as names of runs begin with it; evaluations of train problems say so by stage."""
    return HELD_OUT if is_evaluation(kind) else kind


def shaped(table: str, rows: pl.DataFrame, run: str, stage: str | None) -> pl.DataFrame:
    """`rows` with the columns of `table`, in order; run and stage are filled where missing."""
    if table not in TABLES:
        raise StoreError(f"there is no table {table!r}; expected one of {', '.join(TABLES)}.")
    columns = TABLES[table]
    for name, value in (("run", run), ("stage", stage)):
        if name not in columns:
            continue
        if name not in rows.columns:
            rows = rows.with_columns(pl.lit(value, pl.String).alias(name))
        elif rows.filter(pl.col(name).ne_missing(pl.lit(value, pl.String))).height:
            raise StoreError(
                f"{table}: not every row has {name} {value!r}, which they are added to."
            )
    missing = [name for name in columns if name not in rows.columns]
    extra = [name for name in rows.columns if name not in columns]
    if missing or extra:
        raise StoreError(
            f"{table}: columns missing: {', '.join(missing) or 'none'}; unknown: "
            f"{', '.join(extra) or 'none'}. Expected those of data/store/schema.py."
        )
    wrong = [name for name in columns if not _becomes(rows.schema[name], columns[name])]
    try:
        if not wrong:
            return rows.select(pl.col(name).cast(dtype) for name, dtype in columns.items())
    except pl.exceptions.InvalidOperationError as error:
        raise StoreError(f"{table}: a value does not fit its column: {error}") from error
    name = wrong[0]
    raise StoreError(
        f"{table}: column {name} is {rows.schema[name]}; expected {columns[name]}. "
        "Cast it before adding."
    )


def _becomes(dtype: Any, wanted: Any) -> bool:
    """Whether a column of type `dtype` can be cast to `wanted` (its range is not checked)."""
    if dtype in (wanted, pl.Null):
        return True
    if isinstance(wanted, pl.List):
        return isinstance(dtype, pl.List) and _becomes(dtype.inner, wanted.inner)
    if isinstance(wanted, pl.Struct):
        inner = {field.name: field.dtype for field in wanted.fields}
        given = dtype.fields if isinstance(dtype, pl.Struct) else []
        return [field.name for field in given] == list(inner) and all(
            _becomes(field.dtype, inner[field.name]) for field in given
        )
    if isinstance(wanted, pl.Datetime):
        return isinstance(dtype, pl.Datetime) and dtype.time_zone == wanted.time_zone
    if wanted in (pl.Int64, pl.Int32):
        return dtype.is_integer()
    return wanted == pl.Float64 and dtype.is_numeric()


SQL_TYPES: dict[Any, str] = {
    pl.String: "varchar",
    pl.Binary: "blob",
    pl.Boolean: "boolean",
    pl.Int32: "integer",
    pl.Int64: "bigint",
    pl.Float64: "double",
    TIME: "timestamptz",
}


def sql_type(kind: Any) -> str:
    """The type of DuckDB that a column of this type of Polars is read as."""
    if isinstance(kind, pl.List):
        return f"{sql_type(kind.inner)}[]"
    if isinstance(kind, pl.Struct):
        fields = (f'"{field.name}" {sql_type(field.dtype)}' for field in kind.fields)
        return f"struct({', '.join(fields)})"
    return SQL_TYPES[kind]
