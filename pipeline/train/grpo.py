"""GRPO: problems in order, completions sampled and rewarded, the best step kept."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from data.progress import Progress
from data.store import Store, fingerprint
from pipeline.batches import Prompt, StepOrder, prompt_batches
from pipeline.checkpoint import BestAdapters, TrainingState
from pipeline.config import GrpoConfig
from pipeline.generate import Generate, Sampling, completer
from pipeline.loss import objective_of
from pipeline.model import Tokenizer, gemma3, merge_adapters
from pipeline.stopping import Stop
from pipeline.train.guards import Collapsing, Guard
from pipeline.train.metrics import StoreMetrics
from pipeline.train.optimizer import reset_momentum
from pipeline.train.rewards import as_tunix, judged, rewards_of
from pipeline.train.rollout_log import Recorder
from pipeline.train.sft import NoBar
from pipeline.train.tunix import Learner, Resampling, algorithm, cluster_of

Measure = Callable[[Generate], float]  # held-out answer accuracy of what generates


@dataclass(frozen=True)
class Best:
    """The step that is kept: its merged folder, and its held-out answer accuracy.

    signs: of collapse, as they were found   stopped_at: the step after which a guard ended the run
    """

    merged: Path
    step: int
    answer: float
    signs: list[str]
    stopped_at: int | None


SHOWN = {
    "reward": "rollout/reward",
    "format": "rollout/format",
    "answer": "rollout/answer",
    "tokens": "rollout/tokens",
    "KL": "actor/train/kl",
}
PART = "reward/"  # before the name of a part of the reward


class Shown:
    """The newest numbers that a person who watches wants to see, and tokens trained on a second.

    Parts of the reward are told by their weights. Held-out evaluations do not count as time.
    """

    def __init__(self, metrics: StoreMetrics, rollouts: int) -> None:
        self.metrics, self.rollouts = metrics, rollouts
        self.last = time.monotonic()

    def after_step(self) -> dict[str, float]:
        """Asked once a step: its time is what has passed since `go_on`."""
        parts = {name: name for name in self.metrics.series if name.startswith(PART)}
        shown = SHOWN | parts
        series = {word: self.metrics.series.get(name) for word, name in shown.items()}
        found = {word: points[-1][1] for word, points in series.items() if points}
        if "tokens" in found:
            passed = time.monotonic() - self.last
            found["tokens/s"] = found["tokens"] * self.rollouts / passed
        return found

    def go_on(self) -> None:
        """The next step begins now."""
        self.last = time.monotonic()


def train(
    start: gemma3.Loaded,
    problems: list[Prompt],
    tokenizer: Tokenizer,
    config: GrpoConfig,
    *,
    store: Store,
    run: str,
    measure: Measure,
    heldout_sampling: Sampling,
    heldout_batch: int,
    heldout: int,
    folder: Path,
    metrics: StoreMetrics,
    progress: Progress,
    on_checkpoint: Callable[[int, float], None],
    stop: Stop | None = None,
) -> Best:
    """Train on `problems`; merge the best adapters into `start`; write `folder`/merged.

    Best by `measure` on `heldout` problems, the start (step 0) included. At signs of collapse the
    run ends, or goes back to the best step, as `config.guard` has it.
    What is kept in `folder`/state is gone on with, if it was begun with the same (UserError
    else): weights and rollouts are then those of a run that was left alone.
    """
    sampling = Sampling(
        temperature=config.temperature,
        top_k=config.top_k,
        top_p=config.top_p,
        max_prompt_tokens=config.max_prompt_tokens,
        max_tokens=config.max_tokens,
    )
    cluster, stop = cluster_of(start, tokenizer, config, sampling), stop or Stop()
    trainer = cluster.actor_trainer
    actor = trainer.model
    trainer.metrics_logger = metrics
    trainer._pbar = NoBar()  # type: ignore[assignment]  # quacks like one
    rewards = rewards_of(config)
    if config.resample:
        golds = {problem.prompt: problem.gold for problem in problems}

        def reward(prompt: str, text: str) -> float:
            gold = golds[prompt]
            score = judged(text, gold)
            parts = [one.weight * one.value(text, gold, score) for one in rewards]
            return float(np.nansum(parts))

        cluster.rollout.resampling = Resampling(config.group, config.resample, reward)  # type: ignore[attr-defined]
    recorder = Recorder(store, run, rewards, config.group, metrics, cluster.rollout)  # type: ignore[arg-type]
    objective = objective_of(config, tokenizer.stop_ids())
    learner = Learner(
        rl_cluster=cluster,
        objective=objective,
        reward_fns=[as_tunix(reward) for reward in rewards],
        metric_fns=[recorder],
        algo_config=algorithm(config, objective.advantage),
    )
    generate = completer(actor, tokenizer, heldout_sampling, heldout_batch)
    best = BestAdapters(folder / "adapters", config.keep)
    read = fingerprint(problems=[asdict(problem) for problem in problems])
    begun_with = {"config": asdict(config), "problems": read, "heldout": asdict(heldout_sampling)}
    state = TrainingState(folder / "state", begun_with)

    def keep(step: int) -> float:
        nonlocal evaluating
        began = time.monotonic()
        answer = measure(generate)
        evaluating = max(evaluating, time.monotonic() - began)
        stop.reserve(evaluating)
        best.save(step, actor, answer)
        metrics.note(step, "heldout/answer", answer)
        on_checkpoint(step, answer)
        return answer

    place = state.restore(actor, trainer.optimizer)
    evaluating = float(place["evaluating"]) if place else 0.0  # [seconds], the longest
    stop.reserve(evaluating)
    order = StepOrder(
        prompt_batches(problems, config), place["order"] if place else None, config.steps
    )
    metrics.go_on(order.done)
    recorder.go_on(order.done)
    learner.go_on(order.done)
    latest = place["latest"] if place else keep(0)
    guard = Guard(config.guard, heldout, metrics, **(place["guard"] if place else {}))
    if guard.stopped_at is not None:
        order.done = config.steps

    shown = Shown(metrics, config.prompts * config.group)

    def after_step(step: int) -> None:
        nonlocal latest
        trainer._write_train_metrics()  # those of this step, held back for the next
        numbers = shown.after_step()
        if step % config.evaluate_every == 0 or step == config.steps:
            latest = keep(step)
        progress(step, config.steps, {"heldout answer": latest, **numbers})
        action = guard.after(step)
        if action == "roll-back":
            best.restore(best.best(), actor)
            # its momentum would lead where the run was rolled back from
            reset_momentum(trainer.optimizer)
        leave = stop.should_leave()
        due = step % config.checkpoint_every == 0 or step == config.steps
        if leave or due or action in ("roll-back", "stop"):
            recorder.flush()
            metrics.flush()
            place = {"order": order.state(), "latest": latest, "guard": guard.place()}
            place["evaluating"] = evaluating
            state.save(step, actor, trainer.optimizer, place)
        if leave:
            stop.leave()
        if action == "stop":
            raise Collapsing
        shown.go_on()

    learner.after_step = after_step
    try:
        if order.done < config.steps:
            with stop.listening(), suppress(Collapsing):
                learner.train(order.remaining())  # type: ignore[arg-type]  # arrays of text
    finally:
        recorder.flush()
        metrics.flush()
    step = best.best()
    found = Best(folder / "merged", step, best.answer(step), guard.signs, guard.stopped_at)
    if not found.merged.exists():  # else the run was broken off after it was written
        best.restore(step, actor)
        merge_adapters(actor, start.model, alpha=config.lora_alpha)
        gemma3.save(start.model, start.folder, found.merged)
    best.close()
    state.close()
    return found
