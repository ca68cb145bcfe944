"""The export stage: a model as a Hugging Face folder, or what was trained as PEFT's adapter.

Both are compared with the model in the store.
"""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.store import runs
from evals.scores import problems_of_split
from pipeline.evaluate import fitting
from pipeline.generate import greedy_texts
from pipeline.job import inputs
from pipeline.job.models import load_model, model_of, path_in_store
from pipeline.job.runs import Done, Job, StageSpec, stage_run
from pipeline.model import (
    Agreement,
    Tokenizer,
    export_folder,
    load_adapter,
    model_folder,
    rounding,
    save_adapter,
    side_by_side,
)
from pipeline.model.agreement import agreement
from pipeline.model.peft_layout import WEIGHTS

PARITY_PROMPTS = 16  # test problems on which the export is compared with the model
OF_TOKENIZER = ("tokenizer*", "chat_template*", "special_tokens_map.json", "added_tokens.json")


def export_model(job: Job, model: Path | str, out: Path, parent: str | None) -> Done:
    """Export `model` to `out`, and check on test problems that it computes the same."""
    folder = model_folder(str(model))
    name, path = _named(job, out)
    spec = StageSpec(
        kind="export",
        stage="export",
        module=__name__,
        config={"out": name},
        inputs={"model": inputs.hash_of_folder(folder)},
        parent=parent,
    )
    problems = problems_of_split(job.store, job.preset.data.problems, "test")

    def work(run: str) -> dict[str, Any]:
        limit = job.preset.eval.max_prompt_tokens
        fit = fitting(problems.usable.head(4 * PARITY_PROMPTS), Tokenizer(folder), limit)
        prompts = fit.problems["prompt"].head(PARITY_PROMPTS).to_list()
        if not prompts:
            raise UserError(
                f"none of {len(fit.too_long)} prompts has {limit} tokens or fewer, so the export"
                " cannot be checked; raise eval.max_prompt_tokens"
            )
        model = load_model(job.preset.model, folder)
        return export_folder(model, out, prompts, greedy_texts) | {"path": path}

    done = stage_run(job, spec, work)
    return replace(done, summary=done.summary | {"path": str(out.absolute())})


def _named(job: Job, out: Path) -> tuple[str, str]:
    """`out` as the configuration of a run, and as its summary has it.

    Relative inside the store, so that the run has the same name in each process's own store.
    """
    if out.is_relative_to(job.store.folder):
        path = path_in_store(job.store, out)
        return path, path
    return str(out), str(out.absolute())


def export_adapter(job: Job, run: str, base: str, out: Path) -> Done:
    """Export what `run`, and the runs that it started from, have trained, as one adapter.

    base: the model that the first of them started from; UserError where it was another one
    """
    line = _line_of(job, run)
    folder, merged = model_folder(base), model_of(job.store, line[-1]["summary"])
    _check_base(line[0], folder, base)
    name, path = _named(job, out)
    spec = StageSpec(
        kind="export",
        stage="adapter",
        module=__name__,
        config={"out": name, "base": _public(base)},
        inputs={"model": inputs.hash_of_folder(merged), "base": line[0]["inputs"]["model"]},
        parent=run,
    )
    adapters = [job.folder / state["run"] / "peft" for state in line]

    def work(_: str) -> dict[str, Any]:
        shown = _write_adapter(adapters, folder, merged, out, _public(base))
        return shown | {"path": path, "runs": [state["run"] for state in line]}

    done = stage_run(job, spec, work)
    return replace(done, summary=done.summary | {"path": str(out.absolute())})


def _line_of(job: Job, run: str) -> list[dict[str, Any]]:
    """The finished training runs that made the model of `run`, the first one first."""
    line: list[dict[str, Any]] = []
    name: str | None = run
    while name:
        state = runs.state(job.store, name)
        if state is None or state["event"] != "done" or "model" not in state["summary"]:
            raise UserError(
                f"{run} was trained from the model of {name}, which is no finished run of the store"
                " any more, so its adapter is not known. Export the merged model instead"
            )
        line.insert(0, state)
        name = state["parent"]
    return line


def _check_base(first: dict[str, Any], folder: Path, base: str) -> None:
    if inputs.hash_of_folder(folder) != first["inputs"]["model"]:
        raise UserError(
            f"{first['run']} was not trained from {base}: the files of {folder} are others."
            " Name the model that it started from with --base (a folder or hub id)"
        )


def _public(base: str) -> str | None:
    """A name by which others find the model: a hub's, no folder of this machine."""
    return None if Path(base).exists() or base.count("/") != 1 else base


def _write_adapter(
    adapters: Sequence[Path], base: Path, merged: Path, out: Path, name: str | None
) -> dict[str, Any]:
    """Write `out`, which appears when it is complete and agrees with the merged weights."""
    if out.exists():
        raise UserError(f"{out} exists already; name another folder or move it away")
    adapter = side_by_side([load_adapter(folder) for folder in adapters])
    compared = agreement(base, adapter, merged)
    _refuse_difference(compared, len(adapters))
    unchecked = out.with_name(f".{out.name}.unchecked")
    # of a model that reads images too, the layers have other names
    images = '"text_config"' in (base / "config.json").read_text(encoding="utf-8")
    save_adapter(adapter, unchecked, name, images)
    for pattern in OF_TOKENIZER:
        for path in merged.glob(pattern):
            shutil.copy(path, unchecked / path.name)
    unchecked.replace(out)
    weights = (out / WEIGHTS).read_bytes()
    return {
        "rank": adapter.rank,
        "alpha": adapter.alpha,
        "bytes": len(weights),
        "sha256": hashlib.sha256(weights).hexdigest(),
        "merged_dtype": compared.dtype,
        "weights_equal": compared.equal,
        "largest_difference": compared.largest,
    }


def _refuse_difference(compared: Agreement, stages: int) -> None:
    most = rounding(compared.dtype, stages)
    if compared.largest > most:
        raise UserError(
            f"base and adapters differ from the merged weights by {compared.largest:.2g} of the"
            f" largest weight of a matrix; expected at most {most:.2g}, what rounding to"
            f" {compared.dtype} explains. Export the merged model, and report this"
        )
