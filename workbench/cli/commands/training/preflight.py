"""`preflight`: whether a run fits its chip, and how long it takes, before it starts."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from data.errors import UserError
from pipeline.config import Preset, as_json
from workbench.cli import Answer, verb
from workbench.cli.commands.training.options import set_option
from workbench.cli.output import preflight as output
from workbench.lookup import changed_preset

if TYPE_CHECKING:
    from pipeline.preflight import Chip


@verb
@click.option("--preset", default="v6e-1", show_default=True, help="name or .toml file")
@set_option
@click.option("--chip", help="v6e, v5e, h100, h200, t4 or cpu; by default the preset's")
@click.option(
    "--step",
    "step_texts",
    multiple=True,
    metavar="STEP",
    help="only this: sft:ROWSxTOKENS, grpo:ROWSxTOKENS or grpo:ROWSxPROMPT+COMPLETION",
)
@click.option("--compare", is_flag=True, help="training steps beside Tunix's default losses")
@click.option(
    "--compile/--estimate",
    "compiling",
    default=None,
    help="by the chip's compiler, minutes a step; by default where libtpu is installed",
)
@click.option("--problems", type=click.IntRange(1), help="test problems, to time the evaluations")
def preflight(
    folder: Path,
    preset: str,
    assignments: tuple[str, ...],
    chip: str | None,
    step_texts: tuple[str, ...],
    compare: bool,
    compiling: bool | None,
    problems: int | None,
) -> Answer:
    """Report whether a run fits its chip, and how long it takes.

    Nothing is trained and no chip is needed. With --compare and no --step: SFT of 4,096 and 16,384
    tokens and GRPO of 8 and 64 rows of 1,024, our losses beside Tunix's defaults.
    """
    from pipeline.preflight import (
        COMPARED,
        chip_of,
        needs_of_steps,
        parse_step,
        stage_times,
        steps_of,
        with_tunix_losses,
    )
    from workbench.cli import bars

    chosen = changed_preset(preset, {}, assignments, None)
    on = chip_of(chip or chosen.model.chip)
    chosen = chosen.with_knobs("model", chip=on.name)
    compiled = _use_compiler(on, compiling)
    texts = step_texts or (COMPARED if compare else ())
    steps = [parse_step(text, chosen) for text in texts] or steps_of(chosen)
    if compare:
        steps = with_tunix_losses(steps)
    with bars() as bar:
        progress = bar("preflight")
        needs = list(needs_of_steps(steps, chosen, on, use_compiler=compiled, progress=progress))
    whole = not (step_texts or compare)
    value = _report(chosen, on, needs, "compiled" if compiled else "estimated")
    value["stages"] = stage_times(chosen, needs, on, problems) if whole else []
    value |= _lengths(folder, chosen) if whole else {}
    return value, output.preflight


def _lengths(folder: Path, preset: Preset) -> dict[str, Any]:
    """completion_tokens: of what SFT would learn from, null where the store has not counted them.

    disagreement: why they do not suit the limits of GRPO and of evaluations, or null
    """
    from data.store import open_store
    from pipeline.batches import disagreement
    from pipeline.job import NoRecordLeft
    from workbench.lookup import stored_lengths

    is_store = (folder / "STORE.json").is_file()  # none is made
    try:
        lengths = stored_lengths(open_store(folder), preset) if is_store else None
    except NoRecordLeft as error:  # what the steps need does not depend on it
        return {"completion_tokens": {"completions": 0}, "disagreement": str(error)}
    return {
        "completion_tokens": lengths and lengths.to_json(),
        "disagreement": lengths and disagreement(lengths, preset),
    }


def _use_compiler(chip: "Chip", compiling: bool | None) -> bool:
    """Whether to compile. compiling: as the option says; None: where there is a compiler"""
    from pipeline.preflight import compiled

    if compiling is None:
        return bool(chip.topologies) and compiled.has_compiler(chip)
    if compiling and not compiled.has_compiler(chip):
        raise UserError(
            f"there is no compiler for {chip.name} here. Install it (684 MB): pip install"
            " 'jax[tpu]==0.10.2', or leave --compile out for an estimate"
        )
    return compiling


def _report(preset: Preset, chip: "Chip", steps: list[Any], how: str) -> dict[str, Any]:
    from pipeline.preflight import needs
    from pipeline.preflight.proposals import proposals

    return {
        "preset": as_json(preset),
        "chip": chip.name,
        "memory": chip.memory,
        "chips": preset.model.fsdp * preset.model.tensor_parallel,
        "how": how,
        "fits": all(one.needs.fits for one in steps if one.step.loss == "ours"),
        "steps": [_row(one, chip) for one in steps],
        "proposals": [asdict(one) for one in proposals(preset, steps, chip)],
        "assumed": {
            "operations_reached": needs.OPERATIONS_REACHED,
            "bandwidth_reached": needs.BANDWIDTH_REACHED,
        },
    }


def _row(one: Any, chip: "Chip") -> dict[str, Any]:
    from pipeline.preflight import likely_seconds, seconds

    return {
        "step": one.step.name,
        "loss": one.step.loss if one.step.trains else None,
        "rows": one.step.rows,
        "tokens": one.step.tokens,
        **asdict(one.needs),
        "seconds": seconds(one.needs, chip),
        "likely_seconds": likely_seconds(one.needs, chip),
    }
