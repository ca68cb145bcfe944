"""Tokens of the completions that SFT learns from, beside the limits of what is generated later.

A model that was taught to think for 2,000 tokens and may write 768 is cut off before its answer.
Light: no training library.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.config import ROW_MULTIPLE, Preset

PERCENTILES = (50, 90, 99)
GRPO, EVAL = "grpo.max_tokens", "eval.max_tokens"
LIMITS = (GRPO, EVAL)
COMPLETION = "completion_tokens"  # the field of filters


def rounded(tokens: int) -> int:
    """The smallest multiple of ROW_MULTIPLE that holds so many tokens."""
    return -(-tokens // ROW_MULTIPLE) * ROW_MULTIPLE


@dataclass(frozen=True)
class Budgets:
    """tokens: of each completion, its stop token included   limits: knob -> its tokens"""

    tokens: tuple[int, ...]
    limits: Mapping[str, int]

    def percentile(self, percent: int) -> int:
        """The smallest length that so many percent of the completions do not exceed."""
        return sorted(self.tokens)[-(-percent * len(self.tokens) // 100) - 1]

    def longer(self, knob: str) -> float:
        """The share of the completions that are longer than the limit."""
        return sum(tokens > self.limits[knob] for tokens in self.tokens) / len(self.tokens)

    def agreeing(self, share: float) -> int:
        """The nearest limit that at most `share` of the completions exceed [tokens]."""
        return rounded(sorted(self.tokens)[math.ceil((1 - share) * len(self.tokens)) - 1])

    def to_json(self) -> dict[str, int]:
        """Completions; p50, p90, p99 and longest [tokens]; each limit, and how many are longer."""
        if not self.tokens:
            return {"completions": 0}
        return {
            "completions": len(self.tokens),
            **{f"p{percent}": self.percentile(percent) for percent in PERCENTILES},
            "longest": max(self.tokens),
            **self.limits,
            **{
                f"longer than {knob}": sum(tokens > limit for tokens in self.tokens)
                for knob, limit in self.limits.items()
            },
        }


def beside_limits(tokens: Sequence[int], preset: Preset, knobs: Sequence[str] = LIMITS) -> Budgets:
    """Completions of these lengths beside the limits that the knobs set."""
    limits = {GRPO: preset.grpo.max_tokens, EVAL: preset.eval.max_tokens}
    return Budgets(tuple(tokens), {knob: limits[knob] for knob in knobs})


def disagreement(lengths: Budgets, preset: Preset) -> str | None:
    """Why the budgets do not agree, and the nearest settings that would; None where they do."""
    allowed = preset.data.longer_than_rollouts
    wrong = [knob for knob in lengths.limits if lengths.tokens and lengths.longer(knob) > allowed]
    if not wrong:
        return None
    shares = ", ".join(
        f"{lengths.longer(knob):.0%} longer than {knob} ({lengths.limits[knob]})" for knob in wrong
    )
    percentiles = ", ".join(
        f"p{percent} {lengths.percentile(percent):,}" for percent in PERCENTILES
    )
    agreeing = lengths.agreeing(allowed)
    limit = min(lengths.limits[knob] for knob in wrong)
    shorter = f", or train on those that fit: {_shorter(preset, limit)}"
    return (
        f"SFT would learn from {len(lengths.tokens):,} completions of {percentiles} tokens:"
        f" {shares}; at most {allowed:.0%} may be (data.longer_than_rollouts), because the model"
        " learns to write texts that are then cut off before their answer. Set"
        f" {' '.join(f'--set {knob}={agreeing}' for knob in wrong)}"
        f"{shorter if min(lengths.tokens) <= limit else ''}. To allow it:"
        " --set data.longer_than_rollouts=1"
    )


def _shorter(preset: Preset, limit: int) -> str:
    """The command line that leaves out what is longer than `limit`."""
    fits, before = f"{COMPLETION} <= {limit}", preset.data.records_filter
    if subset := preset.data.subset:
        return f"thinkbench subset new NAME --parent {subset} --where '{fits}'"
    return f"--set data.records_filter='{f'({before}) and {fits}' if before else fits}'"
