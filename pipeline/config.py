"""All knobs of a run: default, unit and meaning of each. They are the flags' help, too.

One frozen dataclass per section. Presets (pipeline/presets) are TOML files with one table per
section; flags of the command line change single knobs of a preset.
"""

import math
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from data.errors import UserError

# Sizes that are compiled into the programs. They stand here because preflight needs them, too, and
# must not load jax.
ROW_MULTIPLE = 64  # tokens; the length of a training row is a multiple, which suits accelerators
PROMPTS_FRACTION = 8  # the engine reads the prompts of 1/8 of its slots in one call
LOGITS_BYTES = 2**27  # of float32 logits in memory at one time: 128 positions of Gemma 3
# The same on one chip of a kind: a fiftieth of its memory, at most 1,024 positions, from which on
# reading the head again for each chunk costs less than its products.
LOGITS_BYTES_OF = {"t4": 2**27, "v5e": 2**28, "v6e": 2**29, "h100": 2**30, "h200": 2**30}
SCORES_BYTES = 2**26  # of float32 attention scores in memory at one time, in one layer


class BadConfig(UserError):
    """A preset, a knob or a value that cannot be used."""


def knob(default: Any, meaning: str, unit: str = "", choices: tuple[str, ...] = ()) -> Any:
    """A dataclass field that carries its meaning, unit and choices for flags, docs and the app."""
    return field(default=default, metadata={"meaning": meaning, "unit": unit, "choices": choices})


def at_least(config: Any, least: float, *names: str) -> None:
    """Raise BadConfig unless the knobs `names` are finite and at least `least`."""
    for name in names:
        value = getattr(config, name)
        if not least <= value < math.inf:  # False for nan, too
            raise BadConfig(f"{name} must be at least {least}, got {value}")


def check_seed(config: Any) -> None:
    """Raise BadConfig unless the knob `seed` is one that every library here takes."""
    if not 0 <= config.seed < SEEDS:
        raise BadConfig(
            f"seed must be a whole number from 0 to {SEEDS - 1}, got {config.seed}; choose another"
        )


def above(config: Any, bound: float, *names: str, most: float = math.inf) -> None:
    """Raise BadConfig unless the knobs `names` are finite, above `bound` and at most `most`."""
    for name in names:
        value = getattr(config, name)
        if not bound < value <= most or math.isinf(value):
            limit = "" if math.isinf(most) else f" and at most {most}"
            raise BadConfig(f"{name} must be above {bound}{limit}, got {value}")


def check_choices(config: Any) -> None:
    """Raise BadConfig unless each knob that has choices holds one of them."""
    for one in fields(config):
        choices, value = one.metadata["choices"], getattr(config, one.name)
        if choices and value not in choices:
            raise BadConfig(f"{one.name} must be one of {', '.join(choices)}; got {value!r}")


SEEDS = 2**32  # numpy and grain take no larger seed, and none below 0
LOGS = ("tensorboard", "wandb")  # where metrics can be written besides the store
VARIANTS = ("grpo", "dr-grpo", "dapo", "gspo", "cispo", "rloo")
SCALES = ("variant", "group", "batch", "none")
GUARDS = ("stop", "roll-back", "warn", "off")
REWARDS = ("reward_format", "reward_approximate_format", "reward_answer", "reward_closeness")
DTYPES = ("float32", "bfloat16")
CHIPS = ("", "cpu", "t4", "h100", "h200", "v5e", "v6e")  # "": whatever is there
BATCHINGS = ("padded", "bucketed", "packed")
SPLITS = ("test", "train")  # of problems that are answered
GRADERS = ("strict", "lenient", "notebook")  # the verdicts of all are stored


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Which model, in which precision, on which mesh of devices."""

    model: str = knob(
        "tiny",
        "'tiny' (the bundled model), a model folder, a Hugging Face id or"
        " kaggle:owner/model/framework/variation",
    )
    dtype: str = knob("float32", "precision of the frozen base weights", choices=DTYPES)
    chip: str = knob(
        "",
        "the chip that the settings are for; 'cpu' fits every machine, empty: not known, so memory"
        " is not checked",
        choices=CHIPS,
    )
    fsdp: int = knob(1, "number of devices that share weights and batch (FSDP)", "devices")
    tensor_parallel: int = knob(
        1, "number of devices that share the heads and features of each layer", "devices"
    )
    remat: bool = knob(True, "save memory: recompute each decoder layer in the backward pass")
    block_attention: bool = knob(
        True, "save memory: compute the attention scores of a training row block by block"
    )

    def __post_init__(self) -> None:
        check_choices(self)
        at_least(self, 1, "fsdp", "tensor_parallel")


def _check_filter(text: str) -> None:
    from data.subsets import FIELDS, FilterError, condition  # only where there is a filter

    try:
        condition(text, FIELDS)
    except FilterError as error:
        raise BadConfig(
            f"data.records_filter, {error}. docs/filters.md has the language."
        ) from error


def logits_bytes(model: ModelConfig) -> int:
    """Bytes of float32 logits in memory at one time, on all chips of the mesh together."""
    of_one = LOGITS_BYTES_OF.get(model.chip, LOGITS_BYTES)
    return of_one * model.fsdp * model.tensor_parallel


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which data is ingested and converted before training."""

    records: str = knob("samples-stratos", "source of the records that SFT trains on")
    problems: str = knob("samples-gsm8k", "source of the problems for GRPO and for evaluation")
    records_from: str = knob(
        "", "file or folder with the records, if the store lacks them; empty: bundled, or the hub"
    )
    problems_from: str = knob(
        "", "file or folder with the problems, if the store lacks them; empty: bundled, or the hub"
    )
    rules: tuple[str, ...] = knob(
        ("answer-from-box",), "repairs that the conversion may apply; each is recorded with its row"
    )
    dialects: str = knob("", "a .toml file with your own dialects; empty: the bundled ones")
    records_filter: str = knob(
        "", "train SFT only on the records that match this filter (docs/filters.md); empty: all"
    )
    subset: str = knob(
        "", "train SFT on this subset of records, without a filter: name or name@version"
    )
    problem_subset: str = knob(
        "", "train GRPO on this subset of problems, and answer it in eval: name or name@version"
    )
    longer_than_rollouts: float = knob(
        0.1,
        "share of the completions that SFT learns from which may be longer than grpo.max_tokens or"
        " eval.max_tokens; 1: all",
        "fraction",
    )
    heldout: int = knob(
        128, "train problems held out to select the best GRPO checkpoint", "problems"
    )

    def __post_init__(self) -> None:
        at_least(self, 1, "heldout")
        if not 0 <= self.longer_than_rollouts <= 1:
            raise BadConfig(
                f"longer_than_rollouts must be a fraction from 0 to 1, got"
                f" {self.longer_than_rollouts}"
            )
        if self.records_filter and self.subset:
            raise BadConfig(
                f"data.subset is {self.subset}, which names the records, and data.records_filter"
                f" would choose among them ({self.records_filter}); leave one of them out"
            )
        if self.records_filter:
            _check_filter(self.records_filter)


@dataclass(frozen=True, kw_only=True)
class LoraConfig:
    """Adapters and optimizer: the knobs that both training stages have."""

    lora_rank: int = knob(16, "rank of the LoRA adapters")
    lora_alpha: float = knob(
        32.0, "scale of the adapters: their output is multiplied by alpha / rank"
    )
    learning_rate: float = knob(1e-4, "peak learning rate, reached after the warm-up")
    warmup: float = knob(0.1, "share of the steps in which the learning rate rises", "fraction")
    weight_decay: float = knob(0.0, "weight decay of AdamW")
    beta2: float = knob(0.99, "decay of AdamW's second moment")
    clip: float = knob(1.0, "gradients with a larger global norm are scaled down to it")
    keep: int = knob(3, "how many of the latest checkpoints stay on disk", "checkpoints")
    seed: int = knob(0, "random seed of data order, adapter initialisation and sampling")

    def __post_init__(self) -> None:
        check_choices(self)
        check_seed(self)
        at_least(self, 1, "lora_rank", "keep")
        at_least(self, 0, "weight_decay")
        above(self, 0, "learning_rate", "lora_alpha", "clip")
        above(self, 0, "beta2", most=1)
        if not 0 <= self.warmup < 1:
            raise BadConfig(f"warmup must be a fraction from 0 to below 1, got {self.warmup}")


def warmup_steps(warmup: float, steps: int) -> int:
    """Steps in which the learning rate rises; BadConfig where none is left for it to fall."""
    rising = max(1, round(warmup * steps))
    if rising >= max(2, steps):
        raise BadConfig(
            f"warmup is {warmup}, so the learning rate would rise in all {steps} steps and never"
            " fall; lower warmup, or train more steps"
        )
    return rising


@dataclass(frozen=True, kw_only=True)
class SftConfig(LoraConfig):
    """Cold-start supervised fine-tuning (SFT): teaches the format."""

    batch: int = knob(16, "rows per optimizer step", "rows")
    batching: str = knob(
        "padded",
        "how examples become rows. padded: one example per row, all rows of the same length;"
        " bucketed: one per row, rows of similar length in one batch; packed: several examples in"
        " each row of max_tokens",
        choices=BATCHINGS,
    )
    steps: int = knob(200, "optimizer steps", "steps")
    max_tokens: int = knob(
        1024,
        "longest example, prompt included; longer ones are left out, never truncated",
        "tokens",
    )
    checkpoint_every: int = knob(100, "steps between two checkpoints", "steps")

    def __post_init__(self) -> None:
        LoraConfig.__post_init__(self)
        at_least(self, 1, "batch", "steps", "max_tokens", "checkpoint_every")
        warmup_steps(self.warmup, self.steps)


@dataclass(frozen=True, kw_only=True)
class GrpoConfig(LoraConfig):
    """Group relative policy optimisation (GRPO, arXiv:2402.03300): improves the reasoning."""

    prompts: int = knob(8, "problems per step", "problems")
    group: int = knob(8, "completions sampled for each problem", "completions")
    steps: int = knob(100, "optimizer steps", "steps")
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
        "clip range of the policy ratio; 0: the default of the variant; without effect while a"
        " batch gets one update, because the ratio is then 1",
    )
    epsilon_high: float = knob(0.0, "upper clip range; 0: the default of the variant")
    variant: str = knob(
        "grpo",
        "variant of the loss, see pipeline/loss/variants.py; a batch gets one update, so gspo"
        " trains as grpo does, and cispo as dapo",
        choices=VARIANTS,
    )
    scale: str = knob(
        "variant",
        "whose standard deviation of rewards an advantage is divided by: that of its group, of the"
        " whole batch, or of none; variant: as its paper does",
        choices=SCALES,
    )
    importance_cap: float = knob(
        2.0,
        "most weight of a token for what its probability is under the trainer over that under the"
        " sampler, before top-k and top-p (truncated importance sampling); 0: every token has"
        " weight 1",
    )
    mask_truncated: bool = knob(
        False, "do not train on completions that were cut off at max_tokens"
    )
    resample: int = knob(
        0, "how often a zero-variance group (all rewards the same) is sampled again", "times"
    )
    guard: str = knob("stop", "what to do at signs of collapse", choices=GUARDS)
    reward_format: float = knob(0.5, "weight of the reward for the exact format")
    reward_approximate_format: float = knob(
        0.25, "weight of the reward for each tag that occurs exactly once"
    )
    reward_answer: float = knob(3.0, "weight of the reward for a correct answer")
    reward_closeness: float = knob(
        0.5, "weight of the reward for an answer close to the reference answer"
    )
    evaluate_every: int = knob(
        20, "steps between two evaluations on the held-out problems", "steps"
    )
    checkpoint_every: int = knob(10, "steps between two checkpoints", "steps")

    def __post_init__(self) -> None:
        LoraConfig.__post_init__(self)
        at_least(self, 1, "prompts", "steps", "max_prompt_tokens", "max_tokens")
        at_least(self, 1, "evaluate_every", "checkpoint_every")
        warmup_steps(self.warmup, self.steps)
        at_least(self, 0, "micro_batch", "top_k", "beta", "epsilon", "epsilon_high")
        at_least(self, 0, "importance_cap", "resample", *REWARDS)
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
        other_rewards = self.reward_format + self.reward_approximate_format + self.reward_closeness
        if self.reward_answer <= other_rewards:
            raise BadConfig(
                f"reward_answer must be larger than all other rewards together (otherwise a"
                f" well-formed wrong answer pays): got {self.reward_answer} and {other_rewards}"
            )


@dataclass(frozen=True, kw_only=True)
class EvalConfig:
    """How completions are sampled and graded."""

    split: str = knob(
        "test",
        "which problems are answered; answers to train problems give pass rates, and are no"
        " held-out score",
        choices=SPLITS,
    )
    limit: int = knob(0, "evaluate only this many problems of the split; 0: all", "problems")
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


SECTIONS: dict[str, type] = {
    "model": ModelConfig,
    "data": DataConfig,
    "sft": SftConfig,
    "grpo": GrpoConfig,
    "eval": EvalConfig,
}


@dataclass(frozen=True, kw_only=True)
class Preset:
    """The knobs of all sections."""

    name: str
    model: ModelConfig
    data: DataConfig
    sft: SftConfig
    grpo: GrpoConfig
    eval: EvalConfig

    def with_knobs(self, section: str, **changes: Any) -> "Preset":
        """This preset with knobs of `section` changed."""
        return replace(self, **{section: changed(getattr(self, section), **changes)})

    def with_seed(self, seed: int) -> "Preset":
        """This preset with `seed` in every section that has one."""
        seeded = {
            name: changed(getattr(self, name), seed=seed)
            for name, section in SECTIONS.items()
            if "seed" in section.__dataclass_fields__
        }
        return replace(self, **seeded)


def changed(config: Any, **changes: Any) -> Any:
    """`config` with new values for some knobs. BadConfig: a knob does not exist."""
    names = {f.name for f in fields(config)}
    if unknown := sorted(set(changes) - names):
        raise BadConfig(
            f"{type(config).__name__} has no knob {', '.join(unknown)}; it has:"
            f" {', '.join(sorted(names))}"
        )
    return replace(config, **changes)


def as_json(config: Any) -> dict[str, Any]:
    """`config` as plain values, for a run's record and its fingerprint."""
    return asdict(config)
