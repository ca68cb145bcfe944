"""The knobs of the data: which records and problems a run reads."""

from dataclasses import dataclass

from pipeline.config.checks import BadConfig, at_least
from pipeline.config.knobs import knob


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


def _check_filter(text: str) -> None:
    from data.subsets import FIELDS, FilterError, condition  # only where there is a filter

    try:
        condition(text, FIELDS)
    except FilterError as error:
        raise BadConfig(
            f"data.records_filter, {error}. docs/filters.md has the language."
        ) from error
