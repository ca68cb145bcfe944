"""The steps of a run, by their shapes: each is one compiled program, called many times."""

from dataclasses import dataclass, field
from typing import Any

from pipeline.config import (
    PROMPTS_FRACTION,
    ROW_MULTIPLE,
    DpoConfig,
    EvalConfig,
    GrpoConfig,
    Preset,
    as_json,
)

OF_ROWS = ("sft", "pairs")  # whose rows are prompt and completion in one, not padded apart
TRAINING = (*OF_ROWS, "update")
SAMPLING = ("prefill", "insert", "decode")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One program.

    kind:   sft, pairs (of DPO: two rows each), update (of GRPO's policy), scores (of completions,
            under the reference or under the policy before the first of several updates), or one of
            the engine's three: prefill (read prompts), insert (put them into slots), decode (one
            token for each slot)
    rows:   sequences in one call, over all chips; for the engine, its slots
    prompt, completion: tokens of a row; a row of SFT or DPO counts as completion only
    pieces: calls whose gradients are added up for one optimizer step
    loss:   ours, or tunix: Tunix's default loss, without rematerialisation, with dense attention
    greedy: whether sampling takes the most likely token
    beside: what is in memory at the same time without being an argument of the program: weights,
            adapters, optimizer, the slots' cache, prompts that were read and wait for slots
    """

    name: str
    kind: str
    rows: int
    prompt: int = 0
    completion: int
    pieces: int = 1
    rank: int = 0
    loss: str = "ours"
    greedy: bool = False
    beside: tuple[str, ...] = ()

    @property
    def tokens(self) -> int:
        """Tokens of one row."""
        return self.prompt + self.completion

    @property
    def trains(self) -> bool:
        return self.kind in TRAINING

    @property
    def samples(self) -> bool:
        """Whether it is a step of the engine, so that slots and prompts are in memory."""
        return self.kind in SAMPLING

    @property
    def prompts_per_call(self) -> int:
        """Prompts that the engine reads, or puts into slots, in one call."""
        return max(1, self.rows // PROMPTS_FRACTION)

    def program(self) -> dict[str, Any]:
        """What the compiled program depends on: all fields but `name` and `beside`."""
        return {key: value for key, value in as_json(self).items() if key not in ("name", "beside")}


@dataclass(frozen=True)
class Stage:
    """A stage of a run. calls: name of a step -> how often it is called"""

    name: str
    calls: dict[str, int] = field(default_factory=dict)


def pieces_of(preset: Preset) -> int:
    """Backward passes of one GRPO step, whose gradients are kept and added up between them."""
    return preset.grpo.prompts // (preset.grpo.micro_batch or preset.grpo.prompts)


def steps_of(preset: Preset) -> list[Step]:
    """Every step of a run with `preset`, in the order in which it is first needed."""
    sft, grpo, evaluation = preset.sft, preset.grpo, preset.eval
    rows = (grpo.micro_batch or grpo.prompts) * grpo.group
    trained: dict[str, Any] = {"rank": grpo.lora_rank, "beside": ("optimizer",)}
    heldout = min(evaluation.batch, preset.data.heldout)
    answers = _lengths(evaluation)
    greedy = evaluation.temperature == 0
    steps = engine_steps("eval", evaluation.batch, greedy=greedy, **answers)
    length = _rounded(sft.max_tokens)
    steps.append(
        Step(name="sft", kind="sft", rows=sft.batch, completion=length, rank=sft.lora_rank)
    )
    if preset.dpo.in_run:
        steps.append(dpo_step(preset.dpo))
    steps += engine_steps("rollout", grpo.prompts * grpo.group, **trained, **_lengths(grpo))
    if grpo.beta:
        beside = ("adapters", "optimizer")
        steps.append(
            Step(name="reference", kind="scores", rows=rows, beside=beside, **_lengths(grpo))
        )
    if grpo.updates > 1:
        steps.append(Step(name="old policy", kind="scores", rows=rows, **trained, **_lengths(grpo)))
    steps.append(
        Step(
            name="grpo",
            kind="update",
            rows=rows,
            rank=grpo.lora_rank,
            pieces=pieces_of(preset),
            **_lengths(grpo),
        )
    )
    return steps + engine_steps("heldout", heldout, greedy=True, **trained, **answers)


def dpo_step(config: DpoConfig) -> Step:
    """A step of DPO. Its reference was computed before, in rows of the same shape."""
    length = _rounded(config.max_tokens)
    return Step(
        name="dpo", kind="pairs", rows=2 * config.batch, completion=length, rank=config.lora_rank
    )


def _rounded(tokens: int) -> int:
    return -(-tokens // ROW_MULTIPLE) * ROW_MULTIPLE


def _lengths(config: GrpoConfig | EvalConfig) -> dict[str, Any]:
    return {"prompt": config.max_prompt_tokens, "completion": config.max_tokens}


def engine_steps(
    name: str, rows: int, rank: int = 0, beside: tuple[str, ...] = (), **more: Any
) -> list[Step]:
    """The engine's three steps; what each of them needs stays in memory during the other two."""
    of_the_other_two = {
        "prefill": ("cache", "prompts"),
        "insert": ("weights", "adapters") if rank else ("weights",),
        "decode": ("prompts",),
    }
    more |= {"rows": rows, "rank": rank}
    return [
        Step(name=f"{name} {kind}", kind=kind, beside=(*of_the_other_two[kind], *beside), **more)
        for kind in SAMPLING
    ]


def stages_of(preset: Preset, problems: int | None) -> list[Stage]:
    """How often a run calls each step, at most. problems: None leaves the evaluation out

    Every completion counts as long as it may be and every row as full: a run whose completions are
    shorter calls decode less often. Samples of a problem share one prefill of its prompt. Inserts
    are left out, because they move little compared with one decode step.
    """
    stages = [Stage("sft", {"sft": preset.sft.steps})]
    if preset.dpo.in_run:
        stages.append(Stage("dpo", _dpo_calls(preset)))
    stages.append(Stage("grpo", _grpo_calls(preset)))
    if problems is not None:
        prompts = min(preset.eval.limit or problems, problems)
        batches = -(-prompts * preset.eval.samples // preset.eval.batch)
        calls = {
            "eval prefill": -(-prompts // _prompts_per_call(preset, "eval prefill")),
            "eval decode": batches * preset.eval.max_tokens,
        }
        stages.append(Stage("eval, each of three", calls))
    return stages


def _dpo_calls(preset: Preset) -> dict[str, int]:
    """Without the sampling of the pairs' answers, which is an evaluation, and the reference."""
    dpo = preset.dpo
    evaluations = 1 + -(-dpo.steps // dpo.evaluate_every)
    return {"dpo": dpo.steps, **_heldout_calls(preset, evaluations)}


def _heldout_calls(preset: Preset, evaluations: int) -> dict[str, int]:
    heldout = preset.data.heldout
    batches = -(-heldout // min(preset.eval.batch, heldout)) * evaluations
    prefills = -(-heldout // _prompts_per_call(preset, "heldout prefill"))
    return {
        "heldout prefill": evaluations * prefills,
        "heldout decode": batches * preset.eval.max_tokens,
    }


def _grpo_calls(preset: Preset) -> dict[str, int]:
    grpo, pieces = preset.grpo, pieces_of(preset)
    evaluations = 1 + -(-grpo.steps // grpo.evaluate_every) + bool(grpo.average)
    rounds = grpo.steps * (1 + grpo.resample)
    prefills = -(-grpo.prompts // _prompts_per_call(preset, "rollout prefill"))
    return {
        "rollout prefill": rounds * prefills,
        "rollout decode": rounds * grpo.max_tokens,
        "reference": grpo.steps * pieces if grpo.beta else 0,
        "old policy": grpo.steps * pieces if grpo.updates > 1 else 0,
        "grpo": grpo.steps * grpo.updates * pieces,
        **_heldout_calls(preset, evaluations),
    }


def _prompts_per_call(preset: Preset, name: str) -> int:
    [step] = [step for step in steps_of(preset) if step.name == name]
    return step.prompts_per_call
