"""Every knob of a run: its default, its unit, its meaning. One place for all three.

One frozen dataclass per stage. A preset is a TOML file in `presets/` with one table per
dataclass; flags of the command line change single knobs on top of it.
"""

import math
import tomllib
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from data.errors import UserError

PRESETS = Path(__file__).parent / "presets"


class BadConfig(UserError):
    """A preset, a knob or a value that cannot be used: says what was found and what is known."""


def knob(default: Any, meaning: str, unit: str = "", choices: tuple[str, ...] = ()) -> Any:
    """A dataclass field that carries its meaning, unit and choices for flags, docs and the app."""
    return field(default=default, metadata={"meaning": meaning, "unit": unit, "choices": choices})


def at_least(config: Any, least: float, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if not least <= value < math.inf:  # nan is in no range
            raise BadConfig(f"{name} must be at least {least}, got {value}")


def check_choices(config: Any) -> None:
    """Every knob that has choices holds one of them."""
    for one in fields(config):
        known, value = one.metadata["choices"], getattr(config, one.name)
        if known and value not in known:
            raise BadConfig(f"{one.name} is one of {', '.join(known)}; got {value!r}")


def above(config: Any, bound: float, *names: str, most: float = math.inf) -> None:
    """Each of `names` lies above `bound` and is `most` or less, and finite."""
    for name in names:
        value = getattr(config, name)
        if not bound < value <= most or math.isinf(value):
            limit = "" if math.isinf(most) else f" and at most {most}"
            raise BadConfig(f"{name} must be above {bound}{limit}, got {value}")


LOGS = ("tensorboard", "wandb")  # besides the store
VARIANTS = ("grpo", "dr-grpo", "dapo", "rloo")
GUARDS = ("stop", "roll-back", "warn", "off")
REWARDS = ("reward_format", "reward_approximate_format", "reward_answer", "reward_closeness")
DTYPES = ("float32", "bfloat16")
BATCHINGS = ("padded", "bucketed", "packed")
GRADERS = ("strict", "lenient", "notebook")  # stored with every evaluation


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Which weights, in which precision, on which mesh."""

    model: str = knob(
        "tiny",
        "'tiny', a model folder, a Hugging Face id or kaggle:owner/model/framework/variation",
    )
    dtype: str = knob("float32", "of the frozen base weights", choices=DTYPES)
    fsdp: int = knob(1, "devices over which weights and batch are sharded", "devices")
    tensor_parallel: int = knob(1, "devices over which heads and features are sharded", "devices")
    remat: bool = knob(True, "recompute each decoder layer in the backward pass, to save memory")
    block_attention: bool = knob(True, "train without all attention scores of a row at once")

    def __post_init__(self) -> None:
        check_choices(self)
        at_least(self, 1, "fsdp", "tensor_parallel")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What is ingested and converted before training."""

    records: str = knob("samples-stratos", "source of the records that SFT learns from")
    problems: str = knob("samples-gsm8k", "source of the problems that GRPO and evaluation use")
    records_from: str = knob("", "file or folder of the records; empty: bundled or from the hub")
    problems_from: str = knob("", "file or folder of the problems; empty: bundled or from the hub")
    rules: tuple[str, ...] = knob(
        ("answer-from-box",), "named repairs that the conversion may use, marked on each row"
    )
    dialects: str = knob("", "a .toml file with dialects of your own; empty: the bundled ones")
    subset: str = knob("", "SFT learns from this subset of records, name or name@version")
    problem_subset: str = knob("", "GRPO asks this subset of problems, name or name@version")
    heldout: int = knob(
        128, "train problems set aside to choose the best GRPO checkpoint", "problems"
    )

    def __post_init__(self) -> None:
        at_least(self, 1, "heldout")


@dataclass(frozen=True, kw_only=True)
class LoraConfig:
    """Adapters and optimizer, shared by both training stages."""

    lora_rank: int = knob(16, "rank of the adapters")
    lora_alpha: float = knob(32.0, "scale of the adapters; they are multiplied by alpha / rank")
    learning_rate: float = knob(1e-4, "peak, reached after warm-up")
    warmup: float = knob(0.1, "part of the steps in which the learning rate rises", "fraction")
    weight_decay: float = knob(0.0, "AdamW's")
    beta2: float = knob(0.99, "AdamW's second-moment decay")
    clip: float = knob(1.0, "largest global norm of the gradient")
    keep: int = knob(3, "checkpoints kept on disk", "checkpoints")
    seed: int = knob(0, "order of the data, adapter init and sampling")

    def __post_init__(self) -> None:
        check_choices(self)
        at_least(self, 1, "lora_rank", "keep")
        at_least(self, 0, "weight_decay")
        above(self, 0, "learning_rate", "lora_alpha", "clip")
        above(self, 0, "beta2", most=1)
        if not 0 <= self.warmup <= 1:
            raise BadConfig(f"warmup is a fraction between 0 and 1, got {self.warmup}")


@dataclass(frozen=True, kw_only=True)
class SftConfig(LoraConfig):
    """Cold-start supervised fine-tuning: teaches the format."""

    batch: int = knob(16, "rows per optimizer step", "rows")
    batching: str = knob(
        "padded",
        "padded: one example a row, all rows of one length; bucketed: rows of like length together;"
        " packed: several examples a row of max_tokens",
        choices=BATCHINGS,
    )
    steps: int = knob(200, "optimizer steps", "steps")
    max_tokens: int = knob(
        1024, "longest example with its prompt; longer ones are left out, never cut", "tokens"
    )
    checkpoint_every: int = knob(100, "steps between checkpoints", "steps")

    def __post_init__(self) -> None:
        LoraConfig.__post_init__(self)
        at_least(self, 1, "batch", "steps", "max_tokens", "checkpoint_every")


@dataclass(frozen=True, kw_only=True)
class GrpoConfig(LoraConfig):
    """Group relative policy optimisation (arXiv:2402.03300): strengthens the reasoning."""

    prompts: int = knob(8, "problems per step", "problems")
    group: int = knob(8, "completions sampled for each problem", "completions")
    steps: int = knob(100, "optimizer steps", "steps")
    micro_batch: int = knob(0, "problems per backward pass; 0: all of a step at once", "problems")
    max_prompt_tokens: int = knob(256, "longer prompts are left out and counted", "tokens")
    max_tokens: int = knob(768, "longest completion", "tokens")
    temperature: float = knob(1.0, "of sampling; 1 keeps the policy's own distribution")
    top_k: int = knob(0, "sample from the k likeliest tokens; 0: from all", "tokens")
    top_p: float = knob(1.0, "sample from the likeliest tokens of this total probability")
    beta: float = knob(0.04, "weight of the KL divergence from the SFT model")
    kl_clamp: float = knob(10.0, "largest KL counted at one token", "nats")
    epsilon: float = knob(
        0.2,
        "clip of the policy ratio; it is 1, so that nothing is clipped, at a batch's one update",
    )
    epsilon_high: float = knob(0.0, "its upper clip; 0: as the variant has it")
    variant: str = knob("grpo", "see pipeline/loss/variants.py", choices=VARIANTS)
    mask_truncated: bool = knob(False, "do not learn from completions that were cut off")
    resample: int = knob(0, "tries to sample a group again whose rewards are all the same", "tries")
    guard: str = knob("stop", "what is done at signs of collapse", choices=GUARDS)
    reward_format: float = knob(0.5, "weight: exact format")
    reward_approximate_format: float = knob(0.25, "weight: each tag once")
    reward_answer: float = knob(3.0, "weight: the extracted answer equals the gold")
    reward_closeness: float = knob(0.5, "weight: the answer lies near the gold")
    evaluate_every: int = knob(20, "steps between held-out evaluations", "steps")
    checkpoint_every: int = knob(10, "steps between checkpoints", "steps")

    def __post_init__(self) -> None:
        LoraConfig.__post_init__(self)
        at_least(self, 1, "prompts", "steps", "max_prompt_tokens", "max_tokens")
        at_least(self, 1, "evaluate_every", "checkpoint_every")
        at_least(self, 0, "micro_batch", "top_k", "beta", "epsilon_high", "resample", *REWARDS)
        above(self, 0, "kl_clamp", "epsilon", "temperature")  # greedy samples have no spread
        above(self, 0, "top_p", most=1)
        if self.group < 2:
            raise BadConfig(
                f"group must be at least 2 (an advantage needs peers), got {self.group}"
            )
        if self.micro_batch and self.prompts % self.micro_batch:
            raise BadConfig(
                f"micro_batch must divide prompts: got {self.micro_batch} and {self.prompts}"
            )
        others = self.reward_format + self.reward_approximate_format + self.reward_closeness
        if self.reward_answer <= others:
            raise BadConfig(
                f"reward_answer must outweigh the other rewards together (else well-formed and"
                f" wrong pays): got {self.reward_answer} against {others}"
            )


@dataclass(frozen=True, kw_only=True)
class EvalConfig:
    """How generations are sampled and graded."""

    limit: int = knob(0, "so many problems of the test split; 0: all", "problems")
    samples: int = knob(1, "completions per problem", "completions")
    temperature: float = knob(0.0, "0: greedy")
    top_k: int = knob(0, "sample from the k likeliest tokens; 0: from all", "tokens")
    top_p: float = knob(1.0, "sample from the likeliest tokens of this total probability")
    max_prompt_tokens: int = knob(256, "longer prompts are left out and counted", "tokens")
    max_tokens: int = knob(768, "longest completion", "tokens")
    batch: int = knob(64, "completions decoded at a time", "completions")
    grader: str = knob("strict", "the grader whose verdicts the table shows", choices=GRADERS)
    seed: int = knob(0, "of sampling")

    def __post_init__(self) -> None:
        at_least(self, 1, "samples", "max_prompt_tokens", "max_tokens", "batch")
        at_least(self, 0, "limit", "temperature", "top_k")
        above(self, 0, "top_p", most=1)
        check_choices(self)
        if self.samples > 1 and self.temperature == 0:
            raise BadConfig(f"{self.samples} greedy samples are all the same: set temperature > 0")


SECTIONS: dict[str, type] = {
    "model": ModelConfig,
    "data": DataConfig,
    "sft": SftConfig,
    "grpo": GrpoConfig,
    "eval": EvalConfig,
}


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One value of every section."""

    name: str
    model: ModelConfig
    data: DataConfig
    sft: SftConfig
    grpo: GrpoConfig
    eval: EvalConfig

    def with_knobs(self, section: str, **changes: Any) -> "Preset":
        """The same preset with knobs of `section` changed."""
        return replace(self, **{section: changed(getattr(self, section), **changes)})

    def with_seed(self, seed: int) -> "Preset":
        """The same preset with `seed` in every section that has one."""
        seeded = {
            name: changed(getattr(self, name), seed=seed)
            for name, section in SECTIONS.items()
            if "seed" in section.__dataclass_fields__
        }
        return replace(self, **seeded)


def changed(config: Any, **changes: Any) -> Any:
    """`config` with other values for some knobs; a knob that does not exist is refused."""
    known = {f.name for f in fields(config)}
    if unknown := sorted(set(changes) - known):
        raise BadConfig(
            f"{type(config).__name__} has no knob {', '.join(unknown)}; it has:"
            f" {', '.join(sorted(known))}"
        )
    return replace(config, **changes)


def presets() -> list[str]:
    """Names of the bundled presets."""
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def load_preset(name: str) -> Preset:
    """The bundled preset `name`, or the one in the TOML file of that path.

    A file that begins with `like = "NAME"` has all that the bundled preset NAME has, but for what
    it says itself.
    """
    path = PRESETS / f"{name}.toml" if name in presets() else Path(name)
    if not (path.suffix == ".toml" and path.is_file()):
        raise BadConfig(
            f"no preset {name!r}; the presets are {', '.join(presets())}, or name a .toml file"
        )
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path} is not a TOML file in UTF-8: {error}. Mend it there.") from error
    before = _before(path, tables.pop("like", None))
    if unknown := sorted(set(tables) - set(SECTIONS)):
        raise BadConfig(
            f"{path} has tables {', '.join(unknown)}; a preset may have {', '.join(SECTIONS)}"
        )
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise BadConfig(f"{path} has {name} = {table!r}; expected a table [{name}] of knobs")
    sections = {
        name: changed(getattr(before, name), **_typed(path, name, section, tables.get(name, {})))
        for name, section in SECTIONS.items()
    }
    return Preset(name=path.stem, **sections)


def _before(path: Path, like: Any) -> Preset:
    """What a preset's file changes: the defaults, or the bundled preset `like`."""
    if like is None:
        return Preset(name="", **{name: section() for name, section in SECTIONS.items()})
    if like not in presets():
        raise BadConfig(
            f"{path} has like = {like!r}; expected the name of a bundled preset:"
            f" {', '.join(presets())}"
        )
    return load_preset(like)


def _typed(path: Path, table: str, section: type, values: dict[str, Any]) -> dict[str, Any]:
    """`values` with lists as tuples and whole numbers as floats where a knob is one."""
    typed = {}
    for name, value in values.items():
        known = section.__dataclass_fields__.get(name)
        kind = type(known.default) if known else type(value)
        value = tuple(value) if isinstance(value, list) else value
        value = float(value) if kind is float and type(value) is int else value
        if type(value) is not kind:
            raise BadConfig(f"{path} [{table}] {name} must be {kind.__name__}, got {value!r}")
        typed[name] = value
    return typed


def as_json(config: Any) -> dict[str, Any]:
    """`config` as plain values, for a run's record and its fingerprint."""
    return asdict(config)
