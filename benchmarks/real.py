"""The whole job on a real model: Gemma 3 270M on GSM8K, base, after SFT and after GRPO.

    python -m benchmarks.real STORE --model FOLDER --gsm8k FOLDER [--minutes 10] [--short]

SFT learns from the solutions of the train problems, GRPO goes on from it, and all three answer the
test problems, greedy, for each seed. STORE/real.md and real.json hold the table of what is done so
far. `--minutes` ends a call in time (exit code 75): the same command goes on, at a checkpoint or
with the answers that are missing, so a slice may be of any length in which one step fits.
`python -m tests.support.real_gemma FOLDER` writes the model.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.store import Store, ask, open_store
from evals.comparison import compare
from pipeline.config import Preset, as_json
from pipeline.job import Done, Job, evaluate, model_of, stages
from pipeline.job.training import train_grpo, train_sft
from pipeline.model import model_folder
from pipeline.presets import load_preset
from pipeline.stopping import TEMPORARY, Stop, TimeIsUp
from workbench.cli import bars
from workbench.cli.quiet import quiet

PRESETS = Path(__file__).parent
STAGES = ("base", "sft", "grpo")
METRICS = ("answer", "format")


@dataclass(frozen=True)
class Result:
    """An evaluation that is done, and the training before it; of the base it is None."""

    seed: int
    stage: str
    training: Done | None
    evaluation: Done


def results(job: Job, model: str, seeds: list[int]) -> Iterator[Result]:
    """Each result as soon as it is there. The base is greedy, so it is evaluated for one seed."""
    base = model_folder(model)
    converter = stages.converter_of(job, stages.prepare(job, records=True, problems=True))
    for seed in seeds:
        seeded = replace(job, preset=job.preset.with_seed(seed))
        if seed == seeds[0]:
            yield Result(seed, "base", None, evaluate(seeded, "base", base, None))
        sft = train_sft(seeded, base, converter)
        yield _evaluated(seeded, "sft", sft)
        grpo = train_grpo(seeded, model_of(job.store, sft.summary), sft.run)
        yield _evaluated(seeded, "grpo", grpo)


def _evaluated(job: Job, stage: str, training: Done) -> Result:
    model = model_of(job.store, training.summary)
    return Result(job.preset.eval.seed, stage, training, evaluate(job, stage, model, training.run))


def report(store: Store, done: list[Result]) -> dict[str, Any]:
    """A row a result, and each stage beside the one before it on the problems of both."""
    rows = []
    runs: dict[tuple[int | None, str], str] = {}
    for result in done:
        run = result.evaluation.run
        runs[(None if result.stage == "base" else result.seed, result.stage)] = run
        [row] = compare.stages(store, [run])
        training = result.training.summary["seconds"] if result.training else None
        rows.append(
            {
                "stage": result.stage,
                "seed": result.seed,
                "run": run,
                "n": row["n"],
                **{metric: row[metric] for metric in METRICS},
                "unknown": row["unknown"],
                "left_out": row["left_out"],
                "cut_off": _cut_off(store, run),
                "training_seconds": training,
                "evaluation_seconds": result.evaluation.summary["seconds"],
            }
        )
    return {"rows": rows, "comparisons": list(_comparisons(store, runs))}


def _cut_off(store: Store, run: str) -> float:
    """Share of the answers that reached the limit of tokens."""
    query = "select avg((finish = 'length')::int) as share from scores where run = $run"
    return ask(store, query, run=run)["share"].item()


def _comparisons(store: Store, runs: dict[tuple[int | None, str], str]) -> Iterator[dict[str, Any]]:
    for (seed, stage), run in runs.items():
        if stage == "base":
            continue
        before = STAGES[STAGES.index(stage) - 1]
        other = runs.get((None if before == "base" else seed, before))
        if other:
            answer = compare.compare(store, other, run)["metrics"]["answer"]
            names = ("difference", "low", "high", "p")
            yield {"seed": seed, "from": before, "to": stage} | {key: answer[key] for key in names}


def share(interval: dict[str, Any]) -> str:
    value, low, high = (100 * interval[name] for name in ("value", "low", "high"))
    return f"{value:.1f} % ({low:.1f} to {high:.1f})"


def markdown(value: dict[str, Any]) -> str:
    """The tables, with 95 % intervals."""
    lines = [
        "| model | seed | n | answer | format | cut off | trained | evaluated |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in value["rows"]:
        trained = "-" if row["training_seconds"] is None else f"{row['training_seconds']:.0f} s"
        lines.append(
            f"| {row['stage']} | {row['seed']} | {row['n']:,} | {share(row['answer'])}"
            f" | {share(row['format'])} | {100 * row['cut_off']:.0f} % | {trained}"
            f" | {row['evaluation_seconds']:.0f} s |"
        )
    if value["comparisons"]:
        lines += ["", "| change of right answers | seed | points | p |", "|---|---|---|---|"]
    for row in value["comparisons"]:
        points = [100 * row[name] for name in ("difference", "low", "high")]
        lines.append(
            f"| {row['from']} to {row['to']} | {row['seed']}"
            f" | {points[0]:+.1f} ({points[1]:+.1f} to {points[2]:+.1f}) | {row['p']:.3g} |"
        )
    return "\n".join(lines) + "\n"


def save(job: Job, done: list[Result], finished: bool) -> str:
    """Write real.json and real.md into the store's folder; the table."""
    from pipeline.preflight import described, devices_here

    value = {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "command": " ".join(["python -m benchmarks.real", *sys.argv[1:]]),
        "device": described(devices_here()),
        "finished": finished,
        "preset": as_json(job.preset),
        **report(job.store, done),
    }
    (job.store.folder / "real.json").write_text(json.dumps(value, indent=1))
    table = markdown(value)
    head = f"{value['at']}, {value['device']}, `{value['command']}`"
    state = "" if finished else ", not finished"
    (job.store.folder / "real.md").write_text(f"{head}{state}\n\n{table}")
    return table


def preset_of(arguments: argparse.Namespace) -> Preset:
    preset = load_preset(str(PRESETS / ("real-short.toml" if arguments.short else "real.toml")))
    rows = str(arguments.gsm8k) if arguments.gsm8k else ""
    return preset.with_knobs("model", model=str(arguments.model)).with_knobs(
        "data", records_from=rows, problems_from=rows
    )


def run(job: Job, model: str, seeds: list[int]) -> int:
    """The exit code: 0 if all is done, TEMPORARY where the time was up."""
    done: list[Result] = []
    try:
        for result in results(job, model, seeds):
            done.append(result)
            save(job, done, finished=False)
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except TimeIsUp:
        print(save(job, done, finished=False))
        return TEMPORARY
    print(save(job, done, finished=True))
    return 0


def main() -> int:
    started = time.monotonic()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("store", type=Path)
    parser.add_argument("--model", type=Path, required=True, help="folder of Gemma 3 270M")
    parser.add_argument("--gsm8k", type=Path, help="folder of its rows; by default the hub")
    parser.add_argument("--minutes", type=float, help="end in time; the same command goes on")
    parser.add_argument("--seeds", type=int, default=3, help="0 to this number - 1")
    parser.add_argument("--short", action="store_true", help="64 problems and a few steps")
    parser.add_argument("--accept-code-change", action="store_const", const=True)
    arguments = parser.parse_args()
    quiet()
    deadline = None if arguments.minutes is None else started + 60 * arguments.minutes
    with bars() as bar:
        job = Job(
            open_store(arguments.store),
            preset_of(arguments),
            bar,
            Stop(deadline),
            accept_code_change=arguments.accept_code_change,
        )
        return run(job, str(arguments.model), list(range(arguments.seeds)))


if __name__ == "__main__":
    sys.exit(main())
