"""Steps as text, such as sft:1x4096, and the training steps that `preflight --compare` shows."""

import re
from dataclasses import replace

from data.errors import UserError
from pipeline.config import Preset
from pipeline.preflight.steps import Step

LOSSES = ("ours", "tunix")
COMPARED = ("sft:1x4096", "sft:1x16384", "grpo:8x1024", "grpo:64x1024")


def parse_step(text: str, preset: Preset) -> Step:
    """The step `sft:ROWSxTOKENS`, `grpo:ROWSxTOKENS` or `grpo:ROWSxPROMPT+COMPLETION`."""
    match = re.fullmatch(r"(sft|grpo):(\d{1,6})x(?:(\d{1,7})\+)?(\d{1,7})", text)
    if match is None:
        raise UserError(
            f"{text!r} is not a step; expected sft:ROWSxTOKENS, grpo:ROWSxTOKENS or"
            " grpo:ROWSxPROMPT+COMPLETION, such as sft:1x4096 or grpo:8x256+768"
        )
    stage, rows, completion = match[1], int(match[2]), int(match[4])
    prompt = int(match[3] or 0)
    if stage == "grpo" and not match[3]:
        prompt = preset.grpo.max_prompt_tokens
        completion -= prompt
    wrong_prompt = prompt > 0 if stage == "sft" else prompt < 1
    if rows < 1 or completion < 1 or wrong_prompt:
        raise UserError(
            f"{text!r} has {rows} rows of {prompt} prompt and {completion} completion tokens; each"
            " must be at least 1, and a step of SFT has no prompt of its own"
        )
    rank = preset.sft.lora_rank if stage == "sft" else preset.grpo.lora_rank
    kind = "sft" if stage == "sft" else "update"
    return Step(name=text, kind=kind, rows=rows, prompt=prompt, completion=completion, rank=rank)


def step_text(step: Step) -> str:
    """A training step as `parse_step` reads it."""
    if step.kind == "pairs":
        return f"dpo:{step.rows}x{step.completion}"
    if step.kind == "sft":
        return f"sft:{step.rows}x{step.completion}"
    return f"grpo:{step.rows}x{step.prompt}+{step.completion}"


def with_tunix_losses(steps: list[Step]) -> list[Step]:
    """Each step of SFT and GRPO twice: with our loss, then with Tunix's default loss."""
    return [
        replace(step, loss=loss)
        for step in steps
        for loss in (LOSSES if step.kind in ("sft", "update") else (step.loss,))
    ]
