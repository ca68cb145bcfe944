"""The knobs of an evaluation."""

from dataclasses import dataclass

from pipeline.config.checks import BadConfig, above, at_least, check_choices, check_seed
from pipeline.config.knobs import knob

SPLITS = ("test", "train")  # of problems that are answered
GRADERS = ("strict", "lenient", "notebook")  # the verdicts of all are stored


@dataclass(frozen=True, kw_only=True)
class EvalConfig:
    """How completions are sampled and graded."""

    split: str = knob(
        "test",
        "which problems are answered; answers to train problems give pass rates, and are no"
        " held-out score",
        choices=SPLITS,
        before="test",
    )
    limit: int = knob(
        0, "evaluate only this many problems of the split; 0: all", "problems", before=0
    )
    samples: int = knob(1, "completions per problem", "completions")
    temperature: float = knob(0.0, "sampling temperature; 0: greedy decoding")
    top_k: int = knob(0, "sample from the k most likely tokens; 0: from all", "tokens")
    top_p: float = knob(1.0, "sample from the most likely tokens with this total probability")
    max_prompt_tokens: int = knob(
        256, "longest prompt; problems with a longer one are left out and counted", "tokens"
    )
    max_tokens: int = knob(768, "longest completion", "tokens")
    batch: int = knob(64, "completions that are decoded at the same time", "completions")
    grader: str = knob(
        "strict", "grader whose verdicts the table shows; all are stored", choices=GRADERS
    )
    seed: int = knob(0, "random seed of sampling")

    def __post_init__(self) -> None:
        check_seed(self)
        at_least(self, 1, "samples", "max_prompt_tokens", "max_tokens", "batch")
        at_least(self, 0, "limit", "temperature", "top_k")
        above(self, 0, "top_p", most=1)
        check_choices(self)
        if self.samples > 1 and self.temperature == 0:
            raise BadConfig(
                f"{self.samples} greedy samples would all be the same: set temperature > 0"
            )
