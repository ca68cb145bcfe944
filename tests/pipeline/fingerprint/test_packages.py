"""Every package that a stage imports either decides its result, and its version counts, or not."""

import sys
from importlib.metadata import packages_distributions

import pytest
from packaging.utils import canonicalize_name

from pipeline.fingerprint.code import code_in
from pipeline.fingerprint.imports import (
    FLOORS,
    files_imported_by,
    packages_imported_by,
    sources_in,
)
from pipeline.fingerprint.packages import DECIDING, versions_of
from tests import ROOT

STAGES = (
    "training.sft_stage",
    "training.dpo_stage",
    "training.grpo_stage",
    "evaluation_stage",
    "export_stage",
)
SOURCES = sources_in(ROOT)
NEUTRAL = {  # package -> why no result depends on its version
    "polars": "rows in memory, in the order that a question gives",
    "duckdb": "answers questions, whose order is written in them",
    "pyarrow": "reads and writes parts of the store",
    "filelock": "locks",
    "lazy_loader": "imports a file once a name of its folder is used",
    "yaml": "the licence in the card of a model",
    "ml_dtypes": "the name of a type of arrays in a file",
    "scipy": "intervals, which are computed when they are shown",
    "orbax": "checkpoints, which hold the same arrays",
    "etils": "the type of a path, for Orbax",
    "safetensors": "weights in a file",
    "huggingface_hub": "downloads; the hash of the model is an input",
    "kagglehub": "likewise",
    "requests": "errors of downloads",
    "openai": "sends requests to a judge, whose replies are stored",
    "aiohttp": "likewise",
    "tensorboardX": "writes metrics",
    "wandb": "writes metrics",
}


def imported_by(stage: str) -> set[str]:
    names = packages_imported_by(files_imported_by(f"pipeline.job.{stage}", SOURCES), SOURCES)
    return names - sys.stdlib_module_names - set(FLOORS)


@pytest.mark.parametrize("stage", STAGES)
def test_it_is_decided_of_each_package_of_a_stage_whether_its_version_counts(stage):
    assert imported_by(stage) - NEUTRAL.keys() - DECIDING.keys() == set()


def test_no_package_is_listed_that_no_stage_imports():
    imported = set().union(*(imported_by(stage) for stage in STAGES))
    assert DECIDING.keys() | NEUTRAL.keys() == imported
    assert not DECIDING.keys() & NEUTRAL.keys()


def test_names_of_distributions_are_those_that_are_installed():
    owners = packages_distributions()
    for first, distributions in DECIDING.items():
        names = {canonicalize_name(owner) for owner in owners[first]}
        assert names <= set(distributions)
        assert names <= versions_of([first]).keys()


def test_training_counts_what_orders_its_data_and_verdicts_what_judges_them():
    training = code_in("pipeline.job.training.sft_stage", SOURCES)
    assert {"grain", "numpy", "jaxlib", "tokenizers", "optax", "qwix"} <= training.keys()
    evaluation = code_in("pipeline.job.evaluation_stage", SOURCES)
    assert {"math-verify", "sympy", "latex2sympy2-extended", "jinja2"} <= evaluation.keys()
    assert not {"optax", "qwix", "grain"} & evaluation.keys()
