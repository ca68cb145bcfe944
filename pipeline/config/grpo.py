"""The knobs of GRPO."""

from dataclasses import dataclass

from pipeline.config.checks import BadConfig, above, at_least
from pipeline.config.knobs import knob
from pipeline.config.training import LoraConfig, warmup_steps

VARIANTS = ("grpo", "dr-grpo", "dapo", "gspo", "cispo", "rloo")
SCALES = ("variant", "group", "batch", "none")
GUARDS = ("stop", "roll-back", "warn", "off")
REWARDS = ("reward_format", "reward_approximate_format", "reward_answer", "reward_closeness",
           "reward_overlong", "reward_judge")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class GrpoConfig(LoraConfig):
    """Group relative policy optimisation (GRPO, arXiv:2402.03300): improves the reasoning."""

    prompts: int = knob(8, "problems per step", "problems")
    group: int = knob(8, "completions sampled for each problem", "completions")
    steps: int = knob(100, "batches of rollouts that are trained on", "steps")
    updates: int = knob(
        1,
        "optimizer updates on each batch of rollouts (mu of arXiv:2402.03300)",
        "updates",
        before=1,
    )
    micro_batch: int = knob(
        0, "problems per backward pass; 0: all problems of a step in one", "problems"
    )
    max_prompt_tokens: int = knob(
        256, "longest prompt; problems with a longer one are left out and counted", "tokens"
    )
    max_tokens: int = knob(768, "longest completion", "tokens")
    temperature: float = knob(
        1.0, "sampling temperature; 1 samples from the policy's own distribution"
    )
    top_k: int = knob(0, "sample from the k most likely tokens; 0: from all", "tokens")
    top_p: float = knob(1.0, "sample from the most likely tokens with this total probability")
    beta: float = knob(0.04, "weight of the KL divergence from the SFT model")
    kl_clamp: float = knob(10.0, "upper limit of the KL divergence at one token", "nats")
    epsilon: float = knob(
        0.0,
        "clip range of the policy ratio; 0: the default of the variant; without effect on a batch's"
        " first update, because the ratio is then 1",
    )
    epsilon_high: float = knob(0.0, "upper clip range; 0: the default of the variant", before=0.0)
    variant: str = knob(
        "grpo",
        "variant of the loss, see pipeline/loss/variants.py; while updates is 1, gspo trains as"
        " grpo does, and cispo as dapo",
        choices=VARIANTS,
        before="grpo",
    )
    scale: str = knob(
        "variant",
        "whose standard deviation of rewards an advantage is divided by: that of its group, of the"
        " whole batch, or of none; variant: as its paper does",
        choices=SCALES,
        before="variant",
    )
    importance_cap: float = knob(
        2.0,
        "most weight of a token for what its probability is under the trainer over that under the"
        " sampler, before top-k and top-p (truncated importance sampling); 0: every token has"
        " weight 1",
        before=0.0,
    )
    mask_truncated: bool = knob(
        False, "do not train on completions that were cut off at max_tokens", before=False
    )
    resample: int = knob(
        0,
        "how often a group without both a correct and an incorrect answer is replaced by one of"
        " another problem; all tries are stored",
        "times",
        before=0,
    )
    curriculum: float = knob(
        0.0,
        "how much less often problems are sampled whose answers were nearly all correct or all"
        " incorrect so far: a weight of (4p(1-p))^curriculum; 0: all alike, in epochs",
        before=0.0,
    )
    guard: str = knob("stop", "what to do at signs of collapse", choices=GUARDS, before="off")
    reward_format: float = knob(0.5, "weight of the reward for the exact format")
    reward_approximate_format: float = knob(
        0.25, "weight of the reward for each tag that occurs exactly once"
    )
    reward_answer: float = knob(3.0, "weight of the reward for a correct answer")
    reward_closeness: float = knob(
        0.5, "weight of the reward for an answer close to the reference answer"
    )
    reward_overlong: float = knob(
        0.0,
        "weight of the penalty for a completion that comes near to max_tokens (soft overlong"
        " punishment, arXiv:2503.14476)",
        before=0.0,
    )
    overlong_tokens: int = knob(
        0,
        "last tokens before max_tokens over which that penalty rises from 0 to 1",
        "tokens",
        before=0,
    )
    reward_judge: float = knob(
        0.0, "weight of the verdict of `judge`, from 0 to 1 for each completion", before=0.0
    )
    judge: str = knob(
        "",
        "judge:NAME whose verdicts, or whose ranking of a group, are a part of the reward; see"
        " docs/judge.md",
        before="",
    )
    average: int = knob(
        0,
        "at the end, evaluate the mean of the adapters of this many last evaluated steps, too, and"
        " keep it if it is the best; 0: do not",
        "evaluated steps",
        before=0,
    )
    evaluate_every: int = knob(
        20, "steps between two evaluations on the held-out problems", "steps"
    )
    checkpoint_every: int = knob(10, "steps between two checkpoints", "steps", before=10)

    def __post_init__(self) -> None:
        LoraConfig.__post_init__(self)
        at_least(self, 1, "prompts", "steps", "updates", "max_prompt_tokens", "max_tokens")
        at_least(self, 1, "evaluate_every", "checkpoint_every")
        warmup_steps(self.warmup, self.steps)
        at_least(self, 0, "micro_batch", "top_k", "beta", "epsilon", "epsilon_high")
        at_least(self, 0, "importance_cap", "resample", "curriculum", *REWARDS)
        above(self, 0, "kl_clamp", "temperature")  # greedy samples of a group are equal
        above(self, 0, "top_p", most=1)
        if self.group < 2:
            raise BadConfig(
                f"group must be at least 2 (an advantage compares the completions of a group), got"
                f" {self.group}"
            )
        if self.micro_batch and self.prompts % self.micro_batch:
            raise BadConfig(
                f"micro_batch must divide prompts: got {self.micro_batch} and {self.prompts}"
            )
        if self.average == 1 or self.average < 0:
            raise BadConfig(
                f"average must be 0 or at least 2 (the mean of one step is that step), got"
                f" {self.average}"
            )
        self._check_rewards()

    def _check_rewards(self) -> None:
        is_punished = self.reward_overlong > 0
        least, most = (1, self.max_tokens) if is_punished else (0, 0)
        if not least <= self.overlong_tokens <= most:
            raise BadConfig(
                f"overlong_tokens must be from 1 to max_tokens ({self.max_tokens}) where"
                f" reward_overlong is set, else 0: got {self.overlong_tokens} with reward_overlong"
                f" {self.reward_overlong}"
            )
        if bool(self.judge) != (self.reward_judge > 0):
            raise BadConfig(
                f"judge and reward_judge go together (a judge, and a weight above 0): got judge"
                f" {self.judge!r} and reward_judge {self.reward_judge}"
            )
        other_rewards = sum(getattr(self, name) for name in REWARDS if name != "reward_answer")
        if self.reward_answer <= other_rewards:
            raise BadConfig(
                f"reward_answer must be larger than all other rewards together (otherwise a"
                f" well-formed wrong answer pays): got {self.reward_answer} and {other_rewards}"
            )
