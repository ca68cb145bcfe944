"""The knobs of training on preference pairs."""

from dataclasses import dataclass

from pipeline.config.checks import BadConfig, above, at_least
from pipeline.config.grpo import GUARDS
from pipeline.config.knobs import knob
from pipeline.config.training import LoraConfig, warmup_steps

LOSSES = ("dpo", "ipo", "orpo")
OUTSIDE = ("in_run",)  # knobs that no result of the stage depends on


@dataclass(frozen=True, kw_only=True)
class DpoConfig(LoraConfig):
    """Preference training: a correct answer becomes likelier than an incorrect one.

    Both are answers of the model itself to one train problem.
    """

    in_run: bool = knob(False, "whether `run` has this stage, between SFT and GRPO", before=False)
    loss: str = knob(
        "dpo",
        "dpo (arXiv:2305.18290), ipo (arXiv:2310.12036), or orpo (arXiv:2403.07691), which needs"
        " no reference",
        choices=LOSSES,
    )
    learning_rate: float = knob(2e-5, "peak learning rate, reached after the warm-up")
    beta: float = knob(
        0.1, "strength of the pull to the start model: beta of DPO, tau of IPO; orpo has none"
    )
    orpo_weight: float = knob(0.1, "weight of ORPO's odds ratio beside its loss of SFT")
    label_smoothing: float = knob(
        0.0, "share of the pairs that are taken to be the wrong way round (not of ipo)", "fraction"
    )
    length_normalised: bool = knob(
        False,
        "count a completion's mean log-probability per token instead of its sum; orpo always does",
    )
    nll_weight: float = knob(
        0.0,
        "weight of the loss of SFT on the chosen completions (arXiv:2404.19733), which keeps them"
        " likely; orpo has its own",
    )
    batch: int = knob(8, "pairs per optimizer step", "pairs")
    steps: int = knob(100, "optimizer steps", "steps")
    max_tokens: int = knob(
        1024,
        "longest prompt with completion; pairs with a longer one are left out and counted",
        "tokens",
    )
    samples: int = knob(
        8, "answers to each problem that are sampled where no run with answers is named", "answers"
    )
    temperature: float = knob(1.0, "temperature of these answers")
    sampled_problems: int = knob(
        0, "train problems to sample them for, beside those held out; 0: all", "problems"
    )
    per_problem: int = knob(2, "most pairs of one problem; no answer is in two", "pairs")
    margin: float = knob(
        0.0,
        "least difference of format, answer and partial between the two of a pair, in the mean",
        "fraction",
    )
    guard: str = knob("stop", "what to do at signs of collapse", choices=GUARDS)
    evaluate_every: int = knob(
        20, "steps between two evaluations on the held-out problems", "steps"
    )
    checkpoint_every: int = knob(20, "steps between two checkpoints", "steps")

    def __post_init__(self) -> None:
        LoraConfig.__post_init__(self)
        at_least(self, 1, "batch", "steps", "max_tokens", "per_problem")
        at_least(self, 1, "evaluate_every", "checkpoint_every")
        at_least(self, 2, "samples")
        at_least(self, 0, "sampled_problems", "nll_weight")
        warmup_steps(self.warmup, self.steps)
        above(self, 0, "beta", "orpo_weight", "temperature")
        if not 0 <= self.label_smoothing < 0.5:
            raise BadConfig(
                f"label_smoothing must be from 0 to below 0.5 (at 0.5 no answer is preferred), got"
                f" {self.label_smoothing}"
            )
        if not 0 <= self.margin <= 1:
            raise BadConfig(f"margin must be a fraction from 0 to 1, got {self.margin}")
        self._check_loss()

    def _check_loss(self) -> None:
        if self.loss == "ipo" and self.label_smoothing:
            raise BadConfig(
                f"label_smoothing is {self.label_smoothing}, which ipo does not have; leave it at 0"
            )
        if self.loss == "orpo" and self.nll_weight:
            raise BadConfig(
                f"nll_weight is {self.nll_weight}, and orpo has that loss already; leave it at 0"
            )
