"""The verb that says, before a run starts, whether it fits and how long it takes."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from data.errors import UserError
from pipeline.config import as_json
from workbench.cli import Answer, verb
from workbench.cli.output import preflight as printed_preflight
from workbench.lookup import changed_preset


@verb
@click.option("--preset", default="v6e-1", show_default=True, help="name or .toml file")
@click.option("--set", "assignments", multiple=True, metavar="SECTION.KNOB=VALUE", help="any knob")
@click.option("--chip", help="v6e, v5e, h100, h200 or cpu; by default the preset's")
@click.option(
    "--step",
    "asked",
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
    asked: tuple[str, ...],
    compare: bool,
    compiling: bool | None,
    problems: int | None,
) -> Answer:
    """Say whether a run fits its chip, and how long it takes.

    Nothing is trained and no chip is needed. With --compare and no --step: SFT of 4,096 and 16,384
    tokens and GRPO of 8 and 64 rows of 1,024, ours beside Tunix's defaults.
    """
    from pipeline.preflight import (
        COMPARED,
        chip_of,
        compiled,
        needs,
        needs_of_steps,
        parse_step,
        stage_times,
        steps_of,
        with_tunix_losses,
    )
    from pipeline.preflight.proposals import proposals
    from workbench.cli import bars

    chosen = changed_preset(preset, {}, assignments, None)
    on = chip_of(chosen.name, chip)
    if compiling is None:
        compiling = bool(on.topologies) and compiled.has_compiler(on)
    elif compiling and not compiled.has_compiler(on):
        raise UserError(
            f"there is no compiler for {on.name} here. Install it (684 MB): pip install"
            " 'thinkbench[tpu]', or leave --compile out for an estimate by arithmetic"
        )
    texts = asked or (COMPARED if compare else ())
    wanted = [parse_step(text, chosen) for text in texts] or steps_of(chosen)
    if compare:
        wanted = with_tunix_losses(wanted)
    with bars() as bar:
        told = needs_of_steps(wanted, chosen, on, use_compiler=compiling, progress=bar("preflight"))
        said = list(told)
    whole = not (asked or compare)
    value: dict[str, Any] = {
        "preset": as_json(chosen),
        "chip": on.name,
        "memory": on.memory,
        "chips": chosen.model.fsdp * chosen.model.tensor_parallel,
        "how": "compiled" if compiling else "estimated",
        "fits": all(one.needs.fits for one in said if one.step.loss == "ours"),
        "steps": [_row(one, on) for one in said],
        "stages": stage_times(chosen, said, on, problems) if whole else [],
        "proposals": [asdict(one) for one in proposals(chosen, said, on)],
        "assumed": {
            "operations_reached": needs.OPERATIONS_REACHED,
            "bandwidth_reached": needs.BANDWIDTH_REACHED,
        },
    }
    return value, printed_preflight.preflight


def _row(one: Any, chip: Any) -> dict[str, Any]:
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
