"""What this project touches of Tunix's trainers: in one file, for one version."""

import ast
import inspect
from importlib import metadata
from pathlib import Path

import pytest
from tunix.rl.grpo.grpo_learner import GRPOLearner
from tunix.rl.rl_learner import RLLearner
from tunix.sft import peft_trainer
from tunix.sft.dpo.dpo_trainer import DPOTrainer
from tunix.sft.peft_trainer import PeftTrainer

from pipeline.train import tunix
from tests import ROOT

PIPELINE = ROOT / "pipeline"
# private names of Tunix that pipeline/train/tunix.py overrides, sets or calls
OVERRIDDEN = {GRPOLearner: ("_generate_and_compute_advantage", "_run_global_step")}
CALLED = {PeftTrainer: ("_prepare_inputs", "_shard_optimizer", "_write_train_metrics")}
SET = {
    PeftTrainer: ("_jitted_train_step_fn", "_train_steps", "_iter_steps"),
    RLLearner: ("_iter_steps", "_last_iter_step"),
    DPOTrainer: ("_aux_metrics_to_log",),
}
FUNCTIONS = {"_default_loss_fn"}


def test_the_version_is_the_one_that_was_read():
    assert metadata.version("google-tunix") == "0.1.7"


@pytest.mark.parametrize("kind", [PeftTrainer, GRPOLearner, RLLearner, DPOTrainer])
def test_each_private_name_exists_in_that_version(kind):
    for name in (*OVERRIDDEN.get(kind, ()), *CALLED.get(kind, ())):
        assert inspect.isfunction(getattr(kind, name))
    source = inspect.getsource(kind.__init__)
    for name in SET.get(kind, ()):
        assert f"self.{name} = " in source or f"self.{name}, " in source
    assert all(hasattr(peft_trainer, name) for name in FUNCTIONS)


def test_the_step_reads_of_its_trainer_only_what_is_listed():
    body = ast.parse(inspect.cleandoc(inspect.getsource(PeftTrainer._train_step)))
    names = [node for node in ast.walk(body) if isinstance(node, ast.Attribute)]
    read = {
        node.attr for node in names if isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    assert read == set(tunix.READ)


def test_the_list_of_private_names_is_complete():
    tree = ast.parse(Path(inspect.getfile(tunix)).read_text())
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_")
    }
    used |= {
        node.name
        for kind in ast.walk(tree)
        if isinstance(kind, ast.ClassDef)
        for node in kind.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("_")
    }
    own = {"_before_update", "_after_update", "_model", "_tokenizer", "_of_batch", "_logp"}
    used = {name for name in used if not name.startswith("__")}
    listed = {
        name for group in (OVERRIDDEN, CALLED, SET) for names in group.values() for name in names
    }
    assert used - own == listed | FUNCTIONS
    assert not any(hasattr(GRPOLearner, name) for name in own)


def test_no_other_file_imports_tunixs_trainers():
    importers = set()
    for file in PIPELINE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            if any(name.startswith(("tunix.rl", "tunix.sft")) for name in names):
                importers.add(file.relative_to(PIPELINE).as_posix())
    assert importers == {"train/tunix.py"}
