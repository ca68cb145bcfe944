"""The programs that a run compiles, by their shapes: what preflight says something about."""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from data.errors import UserError
from pipeline.config import PROMPTS_FRACTION, ROW_MULTIPLE, SECTIONS, Preset, as_json

TRAINING = ("sft", "update")
SAMPLING = ("prefill", "insert", "decode")
LOSSES = ("ours", "tunix")
COMPARED = ("sft:1x4096", "sft:1x16384", "grpo:8x1024", "grpo:64x1024")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One program.

    kind:   sft, update (of GRPO's policy), reference (its scores), or one of the engine's three:
            prefill (prompts are read), insert (put into slots), decode (a token for each slot)
    rows:   sequences in one call, over all chips; of the engine, its slots
    prompt, completion: tokens of a row; an SFT row is all completion
    pieces: calls whose gradients are added up for one optimizer step
    loss:   ours, or tunix: its own default loss, without recomputation, with dense attention
    greedy: sampling takes the likeliest token
    beside: what lies in memory meanwhile, though the program does not read it: weights, adapters,
            optimizer, the slots' cache, prompts that were read before and wait for slots
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

    @property
    def samples(self) -> bool:
        """Whether it is one of the engine's, so that slots and prompts lie there."""
        return self.kind in SAMPLING

    @property
    def at_once(self) -> int:
        """Prompts that the engine reads, or puts into slots, in one call."""
        return max(1, self.rows // PROMPTS_FRACTION)

    def program(self) -> dict[str, Any]:
        """What the program depends on; its name and what lies beside it do not."""
        return {key: value for key, value in as_json(self).items() if key not in ("name", "beside")}


@dataclass(frozen=True)
class Stage:
    """A stage of a run: its calls of steps, as `calls` times the step `name`."""

    name: str
    calls: dict[str, int] = field(default_factory=dict)


def pieces_of(preset: Preset) -> int:
    """Backward passes of one step of GRPO, whose gradients are kept and added up between them."""
    return preset.grpo.prompts // (preset.grpo.micro_batch or preset.grpo.prompts)


def steps_of(preset: Preset) -> list[Step]:
    """Every program of a run with `preset`, in the order in which it is first needed."""
    sft, grpo, evaluation = preset.sft, preset.grpo, preset.eval
    at_once = (grpo.micro_batch or grpo.prompts) * grpo.group
    shape: dict[str, Any] = {"prompt": grpo.max_prompt_tokens, "completion": grpo.max_tokens}
    answered: dict[str, Any] = {
        "prompt": evaluation.max_prompt_tokens,
        "completion": evaluation.max_tokens,
    }
    heldout = min(evaluation.batch, preset.data.heldout)
    trained: dict[str, Any] = {"rank": grpo.lora_rank, "beside": ("optimizer",)}

    def step(name: str, kind: str, rows: int, **more: Any) -> Step:
        return Step(name=name, kind=kind, rows=rows, **more)

    steps = engine_steps("eval", evaluation.batch, greedy=_greedy(evaluation), **answered)
    steps.append(
        step("sft", "sft", sft.batch, completion=_rounded(sft.max_tokens), rank=sft.lora_rank)
    )
    steps += engine_steps("rollout", grpo.prompts * grpo.group, **trained, **shape)
    if grpo.beta:
        beside = ("adapters", "optimizer")
        steps.append(step("reference", "reference", at_once, beside=beside, **shape))
    steps.append(
        step(
            "grpo",
            "update",
            at_once,
            rank=grpo.lora_rank,
            pieces=pieces_of(preset),
            **shape,
        )
    )
    return steps + engine_steps("heldout", heldout, greedy=True, **trained, **answered)


def engine_steps(
    name: str, rows: int, rank: int = 0, beside: tuple[str, ...] = (), **more: Any
) -> list[Step]:
    """The engine's three programs, each with what the other two need, which stays there."""
    others = {
        "prefill": ("cache", "prompts"),
        "insert": ("weights", "adapters") if rank else ("weights",),
        "decode": ("prompts",),
    }
    more |= {"rows": rows, "rank": rank}
    return [
        Step(name=f"{name} {kind}", kind=kind, beside=(*others[kind], *beside), **more)
        for kind in SAMPLING
    ]


def _greedy(config: Any) -> bool:
    return config.temperature == 0


def _rounded(tokens: int) -> int:
    return -(-tokens // ROW_MULTIPLE) * ROW_MULTIPLE


def stages_of(preset: Preset, problems: int | None) -> list[Stage]:
    """How often each step is called in one run; the evaluation only where `problems` are known.

    Every completion is taken for as long as it may be, every row for full: a run whose texts end
    sooner calls decode less often. Samples of a problem share one reading of its prompt. Putting
    prompts into slots is left out: it moves a small part of what one step of decode does.
    """
    grpo, heldout, pieces = preset.grpo, preset.data.heldout, pieces_of(preset)
    at_once = {step.name: step.at_once for step in steps_of(preset)}
    measured = 1 + -(-grpo.steps // grpo.evaluate_every)
    batches = -(-heldout // min(preset.eval.batch, heldout)) * measured
    calls = {
        "rollout prefill": grpo.steps * -(-grpo.prompts // at_once["rollout prefill"]),
        "rollout decode": grpo.steps * grpo.max_tokens,
        "reference": grpo.steps * pieces if grpo.beta else 0,
        "grpo": grpo.steps * pieces,
        "heldout prefill": measured * -(-heldout // at_once["heldout prefill"]),
        "heldout decode": batches * preset.eval.max_tokens,
    }
    stages = [Stage("sft", {"sft": preset.sft.steps}), Stage("grpo", calls)]
    if problems is not None:
        asked = min(preset.eval.limit or problems, problems)
        batches = -(-asked * preset.eval.samples // preset.eval.batch)
        answered = {
            "eval prefill": -(-asked // at_once["eval prefill"]),
            "eval decode": batches * preset.eval.max_tokens,
        }
        stages.append(Stage("eval, each of three", answered))
    return stages


def step_in(text: str, preset: Preset) -> Step:
    """`sft:ROWSxTOKENS`, `grpo:ROWSxTOKENS` or `grpo:ROWSxPROMPT+COMPLETION` as a step."""
    found = re.fullmatch(r"(sft|grpo):(\d{1,6})x(?:(\d{1,7})\+)?(\d{1,7})", text)
    if found is None:
        raise UserError(
            f"{text!r} is no step; expected sft:ROWSxTOKENS, grpo:ROWSxTOKENS or"
            " grpo:ROWSxPROMPT+COMPLETION, such as sft:1x4096 or grpo:8x256+768"
        )
    kind, rows, completion = found[1], int(found[2]), int(found[4])
    prompt = int(found[3] or 0)
    if kind == "grpo" and not found[3]:
        prompt = preset.grpo.max_prompt_tokens
        completion -= prompt
    if rows < 1 or completion < 1 or (kind == "sft" and prompt) or (kind == "grpo" and prompt < 1):
        raise UserError(
            f"{text!r} has {rows} rows of {prompt} prompt and {completion} completion tokens; each"
            " must be at least 1, and SFT has no prompt of its own"
        )
    rank = preset.sft.lora_rank if kind == "sft" else preset.grpo.lora_rank
    kind = "sft" if kind == "sft" else "update"
    return Step(name=text, kind=kind, rows=rows, prompt=prompt, completion=completion, rank=rank)


def text_of(step: Step) -> str:
    """A training step as `step_in` reads it."""
    if step.kind == "sft":
        return f"sft:{step.rows}x{step.completion}"
    return f"grpo:{step.rows}x{step.prompt}+{step.completion}"


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
