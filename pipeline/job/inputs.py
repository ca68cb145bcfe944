"""What a stage reads from the store, and the hashes that decide whether it must run again."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.lineage import CONVERTER_OF
from data.store import HELD_OUT, OF_TRAIN_PROBLEMS, Store, ask
from data.subsets import Recipe, Subset, converters_of, subset
from evals.curation import choose
from evals.scores import Problems, hash_of_ids, problems_of_split, problems_with_ids
from pipeline.batches import Example
from pipeline.config import BadConfig, EvalConfig, Preset, as_json


def examples_of(
    store: Store, source: str, converter: str, records: Sequence[str] | None = None
) -> list[Example]:
    """Examples of `source` as this version of the converter made them, ordered by id.

    records: ids; only examples of these records

    A person's ruling wins: quarantined records are left out, released ones are included. Rows of a
    test split are never trained on.
    """
    rows = ask(
        store,
        """
        select example_id, prompt, reasoning, answer
        from trainable_examples
        where source = $source and converter = $converter
            and ($records is null or record_id in (select unnest($records::varchar[])))
        order by example_id
        """,
        source=source,
        converter=converter,
        records=None if records is None else list(records),
    )
    return [Example(*row) for row in rows.iter_rows()]


class NoRecordLeft(UserError):
    """A filter removes every record that SFT could train on."""


def examples_matching(
    store: Store, source: str, converter: str, where: str, tokenizer: str
) -> tuple[list[Example], dict[str, int]]:
    """Those of `examples_of` that match a filter, and the records that each step removed.

    tokenizer: whose counts the filter reads
    """
    recipe = Recipe(
        sources=(source,), where=where, tokenizer=tokenizer, converters=((source, converter),)
    )
    choice = choose.choice(store, recipe)
    if not choice.ids:
        removed = "; ".join(f"{step.name}: {step.taken:,}" for step in choice.steps[1:])
        raise NoRecordLeft(
            f"no record of {source} is left to train on (removed: {removed}). Widen the filter:"
            f" --set data.records_filter='...' (it is {where!r})"
        )
    removed = {step.name: step.taken for step in choice.steps[1:] if step.taken}
    return examples_of(store, source, converter, choice.ids), removed


def examples_in(store: Store, chosen: Subset) -> list[Example]:
    """Examples of the records of a subset, of all sources, ordered by id.

    Of each source by the converter of the version, so that a later conversion changes nothing.
    Records that a person quarantined since, or that are of a test split now, are left out.
    """
    converters = _converters_of(store, chosen)
    rows = ask(
        store,
        """
        select example_id, prompt, reasoning, answer
        from trainable_examples
        where record_id in (select unnest($records::varchar[])) and (source, converter) in (
            select (unnest($sources::varchar[]), unnest($converters::varchar[]))
        )
        order by example_id
        """,
        records=list(chosen.ids),
        sources=list(converters),
        converters=list(converters.values()),
    )
    return [Example(*row) for row in rows.iter_rows()]


def subset_of(store: Store, label: str, of: str) -> Subset | None:
    """The subset that a knob names, which must hold `of` (records or problems); None for ""."""
    if not label:
        return None
    chosen = subset(store, label)
    if chosen.of != of:
        raise BadConfig(
            f"{chosen.label} holds {chosen.of}; expected a subset of {of}. `thinkbench subset"
            " list` shows what each holds."
        )
    return chosen


def subset_input(store: Store, chosen: Subset | None) -> dict[str, str]:
    """The entries in a run's inputs for the subset that it was trained on, and its converters."""
    if chosen is None:
        return {}
    return {
        "subset": f"{chosen.label} {chosen.content_hash}",
        **converter_input(_converters_of(store, chosen)),
    }


def converter_input(converters: Mapping[str, str]) -> dict[str, str]:
    """The entries in a run's inputs for the conversions that it reads. converters: by source"""
    return {f"{CONVERTER_OF}{source}": converter for source, converter in converters.items()}


def converter_of_problems(store: Store, source: str) -> dict[str, str]:
    """The converter that the problems of `source` count by; empty where they are of an import."""
    rows = ask(store, "select source, converter from newest_converters where source = $s", s=source)
    return dict(rows.iter_rows())


def _converters_of(store: Store, chosen: Subset) -> dict[str, str]:
    sources = _sources_of(store, chosen)
    return {
        source: converter
        for source, (converter, _) in converters_of(store, chosen).items()
        if source in sources
    }


def _sources_of(store: Store, chosen: Subset) -> list[str]:
    """The sources of the rows of a subset, sorted."""
    return ask(
        store,
        """
        select distinct source from records where record_id in (select unnest($ids))
        union select distinct source from problems
        where problem_id in (select unnest($ids)) and record_id is not null
        order by source
        """,
        ids=list(chosen.ids),
    )["source"].to_list()


def problems_in(store: Store, chosen: Subset) -> Problems:
    """The problems of a subset, whatever later conversions made of their records.

    Those that a person quarantined since, or that are of a test split now, are left out.
    """
    problems = problems_with_ids(store, list(chosen.ids))
    if problems.usable.is_empty():
        raise UserError(f"the store has no train problem of the subset {chosen.label}")
    return problems


@dataclass(frozen=True)
class ChosenProblems:
    """The problems that an evaluation answers.

    kind:   of its run: an evaluation of held-out problems, or of train problems
    stage:  as it is stored
    inputs: name -> hash of what was read
    """

    kind: str
    stage: str
    problems: Problems
    inputs: dict[str, str]


def chosen_problems(
    store: Store, preset: Preset, stage: str, subset: str = "", skip: int = 0
) -> ChosenProblems:
    """The problems that an evaluation of `stage` answers. subset: label of one, instead of a split

    skip: the first so many problems of the split are left out: those that training holds out

    Subsets hold train problems.
    """
    config, chosen = preset.eval, subset_of(store, subset, "problems")
    problems = (
        problems_in(store, chosen)
        if chosen
        else problems_of_split(store, preset.data.problems, config.split)
    )
    usable = problems.usable if chosen else problems.usable[skip:]
    usable = usable.head(config.limit) if config.limit else usable
    inputs = {
        "problems": hash_of_ids(usable["problem_id"].to_list()),
        **subset_input(store, chosen),
    }
    trained = config.split == "train" or chosen is not None
    return ChosenProblems(
        kind=OF_TRAIN_PROBLEMS if trained else HELD_OUT,
        stage=f"{stage}-train" if trained else stage,
        problems=Problems(usable, problems.bad_gold),
        inputs=inputs,
    )


def require_source(store: Store, label: str, source: str) -> None:
    """Raise BadConfig unless all problems of the subset are of `source`."""
    chosen = subset_of(store, label, "problems")
    sources = _sources_of(store, chosen) if chosen else [source]
    if sources != [source]:
        raise BadConfig(
            f"the problems to answer are those of {source}, and the subset {label} holds problems"
            f" of {', '.join(sources)}; name one of the two: leave out the source, or the subset"
        )


def require_test_split(preset: Preset) -> None:
    """Raise BadConfig where stages would be compared by answers to train problems."""
    if preset.eval.split != "test":
        raise BadConfig(
            f"eval.split is {preset.eval.split}; expected test, as stages are compared by held-out"
            " problems. For pass rates of train problems: thinkbench eval --split train"
        )


def answer_settings(config: EvalConfig) -> dict[str, Any]:
    """The knobs that decide answers: not the grader, as the verdicts of all are stored, nor the
    problems, which are an input.
    """
    knobs = as_json(config)
    return {name: value for name, value in knobs.items() if name not in ("grader", "split")}


def hash_of_folder(folder: Path) -> str:
    """One hash of the files in a model folder, without its README."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != "README.md":
            digest.update(f"{path.name} {path.stat().st_size}\n".encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
