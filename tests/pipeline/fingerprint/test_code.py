"""The hash of a stage's code changes with what it imports, and what changed has a name."""

from importlib import metadata

from pipeline.fingerprint.code import changes, code_in, hash_of, record, recorded
from pipeline.fingerprint.imports import sources_in

SOURCES = {
    "pipeline/__init__.py": "",
    "evals/__init__.py": "",
    "pipeline/sft.py": "from pipeline import loss",
    "pipeline/loss.py": "",
    "pipeline/grpo.py": "from evals import rewards",
    "evals/rewards.py": "",
}


def hashes(root, **changed: str) -> list[str]:
    """Of the code of SFT and of GRPO in a project whose files have these contents."""
    for path, text in (SOURCES | changed).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return [hash_of(code_in(f"pipeline.{stage}", sources_in(root))) for stage in ("sft", "grpo")]


def test_a_file_that_changes_changes_the_stages_that_import_it(tmp_path):
    sft, grpo = hashes(tmp_path / "before")
    assert hashes(tmp_path / "same") == [sft, grpo]
    other = hashes(tmp_path / "loss", **{"pipeline/loss.py": "changed"})
    assert (other[0] != sft, other[1]) == (True, grpo)
    other = hashes(tmp_path / "rewards", **{"evals/rewards.py": "changed"})
    assert (other[0], other[1] != grpo) == (sft, True)
    assert hashes(tmp_path / "page", **{"workbench/page.py": "changed"}) == [sft, grpo]


def test_the_version_of_a_package_counts_for_the_stages_that_import_it(tmp_path):
    hashes(tmp_path, **{"pipeline/loss.py": "import optax", "evals/rewards.py": "import sympy"})
    sft, grpo = (code_in(f"pipeline.{stage}", sources_in(tmp_path)) for stage in ("sft", "grpo"))
    assert {name for name in sft if "/" not in name} == {"optax"}
    assert {name for name in grpo if "/" not in name} == {"mpmath", "sympy"}
    assert sft["optax"] == metadata.version("optax")


def test_what_changed_is_named():
    before = {"data/a.py": "1", "data/b.py": "1", "data/gone.py": "1", "jax": "0.10.2"}
    now = {"data/a.py": "2", "data/b.py": "1", "data/new.py": "1", "jax": "0.11.2"}
    assert changes(before, now) == (
        "changed: data/a.py; new: data/new.py; gone: data/gone.py; jax was 0.10.2 and is 0.11.2"
    )


def test_a_store_keeps_what_a_hash_is_made_of(store):
    code = {"data/a.py": "1", "jax": "0.10.2"}
    assert record(store, code) == record(store, code) == hash_of(code)
    assert recorded(store, hash_of(code)) == code
    assert recorded(store, "0" * 64) is None
