"""Every table of the store: its columns and their types. Times are UTC; ids are text that sorts."""

import polars as pl

FORMAT_VERSION = 1

TIME = pl.Datetime("us", "UTC")
SPAN = {"field": pl.String, "start": pl.Int64, "end": pl.Int64}

DEFECT = pl.Struct({"phrase": pl.String, "severity": pl.String, **SPAN})
REWRITE = pl.Struct({"rule": pl.String, **SPAN, "before": pl.String, "after": pl.String})
CATEGORY = pl.Struct({"name": pl.String, "start": pl.Int64, "end": pl.Int64})
REWARD = pl.Struct({"name": pl.String, "value": pl.Float64, "weight": pl.Float64})

# What machines write: immutable Parquet parts. `run` and `stage` are columns like any other.
TABLES: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "records": {
        "record_id": pl.String,  # hash of source name, shape and body: ingesting twice adds nothing
        "source": pl.String,
        "shape": pl.String,  # stratos | gsm8k | messages | completion
        "split": pl.String,
        "row_number": pl.Int64,  # 0-based place in its file
        "origin": pl.String,  # file name, or hub name @ revision
        "body": pl.String,  # the row as it came, as JSON with sorted keys
        "run": pl.String,
    },
    "conversions": {
        "record_id": pl.String,
        "source": pl.String,
        "converter": pl.String,  # version of the converter and the rules it was asked to use
        "outcome": pl.String,  # example | quarantined
        "reason": pl.String,  # the defect that quarantined it, or null
        "dialect": pl.String,  # null where no marker was found
        "pattern": pl.String,  # which of four markers occur, as 1111 (data/conversion/dialects.py)
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
        "tokenizer": pl.String,  # model as it was named, @, hash of what decides its tokens
        "prompt": pl.Int64,  # with instruction and template
        "reasoning": pl.Int64,
        "answer": pl.Int64,
        "answer_end": pl.Int64,  # so many hold all up to and with </answer>
        "mask_is_exact": pl.Boolean,  # the loss counts the completion and its stop token, no more
        "run": pl.String,
    },
    "problems": {
        "problem_id": pl.String,
        "record_id": pl.String,
        "source": pl.String,
        "split": pl.String,  # train | test
        "question": pl.String,
        "gold": pl.String,
        "steps": pl.Int32,  # number of reasoning steps, null where unknown
        "run": pl.String,
    },
    "runs": {  # events; the view `runs` shows the last state of each run
        "run": pl.String,
        "kind": pl.String,  # ingest | convert | sft | grpo | eval | import | export | grade
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
        "label": pl.Boolean,  # correctness as an import's own label says, else null
    },
    "scores": {  # narrow: what slices read
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
    "failures": {  # a row for each generation, also where nothing is wrong
        "generation_id": pl.String,
        "run": pl.String,
        "stage": pl.String,
        "problem_id": pl.String,
        "sample": pl.Int32,
        "version": pl.String,  # of evals/failures/categories.py
        "categories": pl.List(CATEGORY),
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
        "advantage": pl.Float64,
    },
    "metrics": {
        "run": pl.String,
        "step": pl.Int64,
        "name": pl.String,
        "value": pl.Float64,
        "at": TIME,
    },
}

# What a run writes of its own; the other tables hold what all runs read.
OF_RUNS = ("generations", "scores", "failures", "rollouts", "metrics")
