"""The programs that a run compiles, by their shapes: what preflight says something about."""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.config import SECTIONS, Preset, as_json

MULTIPLE = 64  # rows are padded to it; `packing.MULTIPLE`, which loads the tokenizer's library
TRAINING = ("sft", "update")
LOSSES = ("ours", "tunix")
COMPARED = ("sft:1x4096", "sft:1x16384", "grpo:8x1024", "grpo:64x1024")


class BadStep(ValueError):
    """A step that cannot be read: says what was found and how one is written."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One program.

    kind:   sft, update (of GRPO's policy), reference (its scores), prefill or decode
    rows:   sequences in one call, over all chips
    prompt, completion: tokens of a row; an SFT row is all completion
    pieces: calls whose gradients are added up for one optimizer step
    loss:   ours, or tunix: its own default loss, without recomputation, with dense attention
    greedy: sampling takes the likeliest token
    beside: what lies in memory meanwhile, though the program does not read it: optimizer, adapters
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
        """Of one row."""
        return self.prompt + self.completion

    @property
    def trains(self) -> bool:
        return self.kind in TRAINING

    def program(self) -> dict[str, Any]:
        """What the program depends on; its name and what lies beside it do not."""
        return {key: value for key, value in as_json(self).items() if key not in ("name", "beside")}


@dataclass(frozen=True)
class Stage:
    """A stage of a run: its calls of steps, as `calls` times the step `name`."""

    name: str
    calls: dict[str, int] = field(default_factory=dict)


def steps_of(preset: Preset) -> list[Step]:
    """Every program of a run with `preset`, in the order in which it is first needed."""
    sft, grpo, evaluation = preset.sft, preset.grpo, preset.eval
    at_once = (grpo.micro_batch or grpo.prompts) * grpo.group
    shape = {"prompt": grpo.max_prompt_tokens, "completion": grpo.max_tokens}
    answered = {"prompt": evaluation.max_prompt_tokens, "completion": evaluation.max_tokens}
    heldout = min(evaluation.batch, preset.data.heldout)
    grpo_state = ("adapters", "optimizer")

    def step(name: str, kind: str, rows: int, **more: Any) -> Step:
        return Step(name=name, kind=kind, rows=rows, **more)

    steps = [
        step("eval prefill", "prefill", evaluation.batch, greedy=_greedy(evaluation), **answered),
        step("eval decode", "decode", evaluation.batch, greedy=_greedy(evaluation), **answered),
        step("sft", "sft", sft.batch, completion=_rounded(sft.max_tokens), rank=sft.lora_rank),
    ]
    for name, kind in (("prefill", "prefill"), ("decode", "decode")):
        sampled = {"rank": grpo.lora_rank, "beside": ("optimizer",), **shape}
        steps.append(step(f"rollout {name}", kind, grpo.prompts * grpo.group, **sampled))
    if grpo.beta:
        steps.append(step("reference", "reference", at_once, beside=grpo_state, **shape))
    steps.append(
        step(
            "grpo",
            "update",
            at_once,
            rank=grpo.lora_rank,
            pieces=grpo.prompts // (grpo.micro_batch or grpo.prompts),
            **shape,
        )
    )
    for name, kind in (("prefill", "prefill"), ("decode", "decode")):
        sampled = {"rank": grpo.lora_rank, "beside": ("optimizer",), "greedy": True, **answered}
        steps.append(step(f"heldout {name}", kind, heldout, **sampled))
    return steps


def _greedy(config: Any) -> bool:
    return config.temperature == 0


def _rounded(tokens: int) -> int:
    return -(-tokens // MULTIPLE) * MULTIPLE


def stages_of(preset: Preset, problems: int | None) -> list[Stage]:
    """How often each step is called in one run; the evaluation only where `problems` are known.

    Every completion is taken for as long as it may be: the times that follow are upper bounds.
    """
    grpo = preset.grpo
    pieces = grpo.prompts // (grpo.micro_batch or grpo.prompts)
    measured = 1 + -(-grpo.steps // grpo.evaluate_every)
    batches = -(-preset.data.heldout // min(preset.eval.batch, preset.data.heldout)) * measured
    calls = {
        "rollout prefill": grpo.steps,
        "rollout decode": grpo.steps * grpo.max_tokens,
        "reference": grpo.steps * pieces if grpo.beta else 0,
        "grpo": grpo.steps * pieces,
        "heldout prefill": batches,
        "heldout decode": batches * preset.eval.max_tokens,
    }
    stages = [Stage("sft", {"sft": preset.sft.steps}), Stage("grpo", calls)]
    if problems is not None:
        asked = preset.eval.limit or problems
        batches = -(-min(asked, problems) * preset.eval.samples // preset.eval.batch)
        answered = {"eval prefill": batches, "eval decode": batches * preset.eval.max_tokens}
        stages.append(Stage("eval, each of three", answered))
    return stages


def step_in(text: str, preset: Preset) -> Step:
    """`sft:ROWSxTOKENS`, `grpo:ROWSxTOKENS` or `grpo:ROWSxPROMPT+COMPLETION` as a step."""
    found = re.fullmatch(r"(sft|grpo):(\d{1,6})x(?:(\d{1,7})\+)?(\d{1,7})", text)
    if found is None:
        raise BadStep(
            f"{text!r} is no step; expected sft:ROWSxTOKENS, grpo:ROWSxTOKENS or"
            " grpo:ROWSxPROMPT+COMPLETION, such as sft:1x4096 or grpo:8x256+768"
        )
    kind, rows, completion = found[1], int(found[2]), int(found[4])
    prompt = int(found[3] or 0)
    if kind == "grpo" and not found[3]:
        prompt = preset.grpo.max_prompt_tokens
        completion -= prompt
    if rows < 1 or completion < 1 or (kind == "sft" and prompt) or (kind == "grpo" and prompt < 1):
        raise BadStep(
            f"{text!r} has {rows} rows of {prompt} prompt and {completion} completion tokens; each"
            " must be at least 1, and SFT has no prompt of its own"
        )
    if kind == "sft":
        return Step(
            name=text, kind="sft", rows=rows, completion=completion, rank=preset.sft.lora_rank
        )
    return Step(
        name=text,
        kind="update",
        rows=rows,
        prompt=prompt,
        completion=completion,
        rank=preset.grpo.lora_rank,
    )


def with_defaults(steps: list[Step]) -> list[Step]:
    """Each training step twice: with our loss, then with Tunix's defaults."""
    found = []
    for step in steps:
        found += [replace(step, loss=loss) for loss in LOSSES] if step.trains else [step]
    return found


def preset_from(values: dict[str, Any]) -> Preset:
    """The preset whose values `as_json` gave."""
    sections = {
        name: section(
            **{k: tuple(v) if isinstance(v, list) else v for k, v in values[name].items()}
        )
        for name, section in SECTIONS.items()
    }
    return Preset(name=values["name"], **sections)
