"""All sections of knobs together.

Presets (pipeline/presets) are TOML files with one table per section; flags of the command line
change single knobs of a preset.
"""

from dataclasses import dataclass, replace
from typing import Any

from pipeline.config.data import DataConfig
from pipeline.config.dpo import DpoConfig
from pipeline.config.evaluation import EvalConfig
from pipeline.config.grpo import GrpoConfig
from pipeline.config.knobs import changed
from pipeline.config.model import ModelConfig
from pipeline.config.sft import SftConfig

SECTIONS: dict[str, type] = {
    "model": ModelConfig,
    "data": DataConfig,
    "sft": SftConfig,
    "dpo": DpoConfig,
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
    dpo: DpoConfig
    grpo: GrpoConfig
    eval: EvalConfig

    def with_knobs(self, section: str, **changes: Any) -> "Preset":
        """This preset with knobs of `section` changed."""
        return replace(self, **{section: changed(getattr(self, section), **changes)})

    def sampling_pairs(self) -> "Preset":
        """This preset, whose evaluation samples the answers of which DPO makes pairs."""
        return self.with_knobs(
            "eval",
            split="train",
            samples=self.dpo.samples,
            temperature=self.dpo.temperature,
            limit=self.dpo.sampled_problems,
        )

    def with_seed(self, seed: int) -> "Preset":
        """This preset with `seed` in every section that has one."""
        seeded = {
            name: changed(getattr(self, name), seed=seed)
            for name, section in SECTIONS.items()
            if "seed" in section.__dataclass_fields__
        }
        return replace(self, **seeded)
