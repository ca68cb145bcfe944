"""The DPO stage: what it trains on, that it resumes bit for bit, and what it leaves."""

import shutil
from dataclasses import replace

import polars as pl
import pytest

from data.errors import UserError
from data.lineage.generations import of_run
from data.response_format import render
from data.store import add_generations, annotations, runs
from data.store.files import StoreError
from data.store.store import ask, open_store
from evals.curation.preference_pairs import CUT_OFF, HELD_OUT, choose_pairs, stored_pairs
from evals.scores.problems import problems_of_split
from pipeline.job import stages
from pipeline.job.models import model_of
from pipeline.job.runs import Job
from pipeline.job.training.dpo_stage import train_dpo
from pipeline.presets.load import load_preset
from pipeline.stopping import Stop
from tests.support import few_rows
from tests.support.store_rows import rows_of

HELD, PAIRED, STEPS = 4, 10, 4


class Killed(Stop):
    """Ends a run after some steps without a checkpoint, as SIGKILL does."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.left = steps

    def should_leave(self) -> bool:
        self.left -= 1
        if self.left == 0:
            raise RuntimeError("killed")
        return False


def answer(store, run: str, problem_ids: list[str], texts: list[str], finish: str = "stop"):
    """Answers of a run to train problems, stored as those of an evaluation."""
    n = len(texts)
    common = {
        "generation_id": [f"{problem}:{k}:{run}" for k, problem in enumerate(problem_ids)],
        "problem_id": problem_ids,
        "sample": list(range(n)),
    }
    runs.begin(store, "eval-train", run=run, stage="s", config={}, seed=0, inputs={})
    add_generations(
        store,
        rows_of("generations", **common, text=texts, finish=[finish] * n),
        rows_of("scores", **common, grader=["strict"] * n, correct=[None] * n),
        run=run,
        stage="s",
    )
    runs.end(store, run, "done", {})


def both(problems: pl.DataFrame) -> tuple[list[str], list[str]]:
    """Ids and texts: a correct and an incorrect answer to each problem."""
    ids, texts = [], []
    for row in problems.iter_rows(named=True):
        for answer_text in (row["gold"], "1234567"):
            ids.append(row["problem_id"])
            texts.append(render("so it is", answer_text))
    return ids, texts


@pytest.fixture(scope="module")
def job(few, tmp_path_factory):
    """A store with the answers of the run `own` to train problems, held-out ones among them."""
    folder = tmp_path_factory.mktemp("dpo")
    preset = (
        load_preset("tiny")
        .with_knobs("model", model=str(few))
        .with_knobs("dpo", steps=STEPS, batch=4, lora_rank=4, evaluate_every=2, checkpoint_every=2)
        .with_knobs("data", heldout=HELD, **few_rows.written(folder / "rows").knobs())
        .with_knobs("eval", batch=HELD, max_tokens=16, max_prompt_tokens=96)
    )
    store = open_store(folder / "store")
    job = Job(store, preset, lambda name: lambda step, of, numbers: None)
    stages.prepare(job, problems=True)
    train = problems_of_split(store, preset.data.problems, "train").usable
    test = problems_of_split(store, preset.data.problems, "test").usable
    answer(store, "own", *both(pl.concat([train.head(HELD + PAIRED), test])))
    cut = train[HELD + PAIRED :].head(2)
    answer(store, "cut", cut["problem_id"].to_list(),
           [render("so it is", gold) for gold in cut["gold"]], finish="length")  # fmt: skip
    return job


@pytest.fixture(scope="module")
def alone(job, few):
    return train_dpo(job, few, None, ["own", "cut"])


def test_pairs_are_of_train_problems_that_nobody_holds_out_or_tests(job, alone):
    train = problems_of_split(job.store, job.preset.data.problems, "train").usable["problem_id"]
    pairs = stored_pairs(job.store, alone.run)
    assert pairs is not None
    assert pairs.rows["problem_id"].to_list() == train[HELD : HELD + PAIRED].to_list()
    left_out = alone.summary["left_out"]
    assert left_out[HELD_OUT] == 2 * HELD
    assert left_out["answers to other problems"] == 2 * few_rows.TEST
    assert left_out[CUT_OFF] == 2
    assert (alone.summary["pairs"], alone.summary["problems"]) == (PAIRED, PAIRED)


def test_every_answer_of_a_pair_is_a_generation_of_the_store(job, alone):
    wrong = ask(
        job.store,
        """
        select pair from preference_pairs p
        left join generations c on c.generation_id = chosen_by and c.run = chosen_run
        left join generations r on r.generation_id = rejected_by and r.run = rejected_run
        where c.text is distinct from chosen or r.text is distinct from rejected
            or c.problem_id <> p.problem_id or r.problem_id <> p.problem_id
        """,
    )
    assert wrong.is_empty()


def test_its_metrics_and_checkpoints_are_rows_like_those_of_other_stages(job, alone):
    names = ask(
        job.store,
        "select name, count(*) as n, min(step) as first from metrics where run = $run group by 1",
        run=alone.run,
    )
    counts = {name: (n, first) for name, n, first in names.iter_rows()}
    assert counts.pop("heldout/answer") == (3, 0)  # the start is step 0
    assert set(counts.values()) == {(STEPS, 1)}
    assert {"loss", "grad_norm", "rewards/margin", "rewards/accuracy", "log_probs/chosen",
            "log_probs/rejected", "change/chosen", "kl"} <= {
        name.removeprefix("dpo/train/") for name in counts
    }  # fmt: skip
    steps = ask(job.store, "select step, best, metric_n from checkpoints order by all").rows()
    best = alone.summary["best_step"]
    assert sorted(steps) == sorted([(0, False, HELD), (2, False, HELD), (4, False, HELD),
                                    (best, True, HELD)])  # fmt: skip


def test_the_pairs_are_learned(job, alone):
    margin = ask(
        job.store,
        "select value from metrics where name = 'dpo/train/rewards/margin' order by step",
    )["value"]
    assert abs(margin[0]) < 1e-3  # policy and reference are equal
    assert margin[-1] > margin[0]


def test_lineage_names_the_pairs_and_who_wrote_them(job, alone):
    training, pairs, *rest = of_run(job.store, alone.run)
    assert (training.kind, training.facts["kind"]) == ("training", "dpo")
    assert (pairs.kind, pairs.title) == ("pairs", f"{PAIRED} preference pairs")
    assert pairs.facts["answers of"] == "own, cut"
    assert pairs.facts["hash"] == training.facts["inputs"]["pairs"]
    assert [step.kind for step in rest] == ["conversion", "source"]


def test_a_finished_run_is_found_again(job, alone, few):
    assert train_dpo(job, few, None, ["own", "cut"]).run == alone.run


def test_a_killed_run_goes_on_with_the_pairs_that_it_has_stored(job, alone, few, tmp_path):
    """Bit for bit, also where its problems were quarantined and answered anew since."""
    copied = replace(job, store=open_store(shutil.copytree(job.store.folder, tmp_path / "copy")))
    seed = job.preset.with_knobs("dpo", seed=1)
    whole = train_dpo(replace(job, preset=seed), few, None, ["own"])
    with pytest.raises(RuntimeError, match="killed"):
        train_dpo(replace(copied, preset=seed, stop=Killed(3)), few, None, ["own"])
    pairs = stored_pairs(copied.store, whole.run)
    assert pairs is not None
    record = ask(
        copied.store,
        "select record_id from problems where problem_id = $id limit 1",
        id=pairs.rows["problem_id"][0],
    ).item()
    annotations.rule(copied.store, record, "quarantined", "wrong", "Ann")
    again = replace(copied, preset=seed, resume=whole.run)
    assert len(_rows_now(again)) == PAIRED - 1
    resumed = train_dpo(again, few, None, [])
    assert resumed.run == whole.run
    files = [model_of(j.store, whole.summary) / "model.safetensors" for j in (job, copied)]
    assert files[0].read_bytes() == files[1].read_bytes()
    query = "select name, step, value from metrics where run = $run order by all"
    rows = [ask(j.store, query, run=whole.run).rows() for j in (job, copied)]
    assert rows[0] == rows[1]


def _rows_now(job) -> pl.DataFrame:
    """The pairs that would be chosen now."""
    problems = problems_of_split(job.store, job.preset.data.problems, "train").usable
    ids = problems["problem_id"].to_list()
    return choose_pairs(job.store, ["own"], ids, set(), 1, 0.0).rows[HELD:]


def test_pairs_that_are_not_those_of_the_start_are_refused(job, alone):
    with pytest.raises(StoreError, match="not those that it was started with"):
        stored_pairs(job.store, alone.run, "0" * 64)


@pytest.mark.parametrize(
    ("answers", "knobs", "words"),
    [
        (["cut"], {}, "0 pairs .* in the answers of cut"),
        ([], {}, "no run"),
        (["own"], {"batch": 11}, "10 pairs .* a step needs 11"),
        (["own"], {"margin": 0.9}, "below the least margin: 10"),
        (["own"], {"max_tokens": 20}, "0 pairs have rows of 20 tokens or fewer"),
        (["nobody"], {}, "no run 'nobody'"),
    ],
)
def test_too_few_pairs_are_refused_with_what_was_left_out(job, few, answers, knobs, words):
    changed = replace(job, preset=job.preset.with_knobs("dpo", **knobs))
    with pytest.raises(UserError, match=words):
        train_dpo(changed, few, None, answers)
