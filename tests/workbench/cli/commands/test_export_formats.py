"""The guide to export formats: each command writes the row that it shows, and datasets loads it."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT
from tests.support.exported_rows import fill, first_row, formats_in
from workbench.cli.commands.data.subset_export import FORMATS

GUIDE = formats_in((ROOT / "docs/export-formats.md").read_text(encoding="utf-8"))
TOKENS = 160  # more than a row has


@pytest.fixture
def files(say, here, tmp_path, monkeypatch) -> dict[str, Path]:
    """What the commands of the guide write, by format."""
    fill(say, here, tmp_path)
    monkeypatch.chdir(tmp_path)
    for form in GUIDE:
        code, _, errors = say(*form.words)
        assert (code, errors) == (0, ""), form.name
    return {form.name: tmp_path / form.words[-1] for form in GUIDE}


def test_every_format_is_in_the_guide_with_its_first_row_and_loads_with_datasets(files, tmp_path):
    import datasets

    assert sorted(files) == sorted(FORMATS)
    for form in GUIDE:
        path = files[form.name]
        assert form.words[form.words.index("--as") + 1] == form.name
        assert first_row(path) == form.row
        kind = "parquet" if path.suffix == ".parquet" else "json"
        loaded = datasets.load_dataset(
            kind, data_files=str(path), split="train", cache_dir=str(tmp_path / "cache")
        )
        assert loaded.num_rows == (4 if form.name == "kto" else 2), form.name
        assert set(form.row) == set(loaded.column_names)


# before its fixtures are made
@pytest.mark.skipif(
    importlib.util.find_spec("trl") is None,
    reason="trl is not installed: pip install -r requirements-parity.txt",
)
def test_trl_trains_a_step_on_each_format_that_it_reads(files, few, tmp_path):
    import datasets
    from transformers import AutoModelForCausalLM, AutoTokenizer

    trl: Any = importlib.import_module("trl")
    is_conversational = importlib.import_module("trl.data_utils").is_conversational

    tokenizer = AutoTokenizer.from_pretrained(few)
    for name, config, trainer in (
        ("messages", trl.SFTConfig, trl.SFTTrainer),
        ("prompt-completion", trl.SFTConfig, trl.SFTTrainer),
        ("sharegpt", trl.SFTConfig, trl.SFTTrainer),
        ("preference", trl.DPOConfig, trl.DPOTrainer),
        ("kto", trl.KTOConfig, trl.KTOTrainer),
    ):
        rows = datasets.Dataset.from_json(str(files[name]), cache_dir=str(tmp_path / "cache"))
        assert is_conversational(rows[0]) or name == "sharegpt"
        options = config(
            output_dir=str(tmp_path / name), max_steps=1, per_device_train_batch_size=2,
            max_length=TOKENS, report_to=[], use_cpu=True, save_strategy="no",
            gradient_checkpointing=False, bf16=False, disable_tqdm=True,
        )  # fmt: skip
        model = AutoModelForCausalLM.from_pretrained(few)
        trained = trainer(model, args=options, train_dataset=rows, processing_class=tokenizer)
        assert trained.train().training_loss > 0, name
