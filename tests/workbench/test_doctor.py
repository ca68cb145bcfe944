"""Doctor: reports what is installed, names what to repair, and shows no secret."""

import json
from importlib.metadata import PackageNotFoundError

import pytest

from data.store import runs
from data.store.store import open_store
from workbench import doctor
from workbench.cli.output.doctor import show_report

CREDENTIALS = [
    *("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HOME", "HF_TOKEN_PATH"),
    *("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR"),
]
SECRET = "hf_this_must_never_be_shown"


@pytest.fixture
def no_home(tmp_path, monkeypatch):
    """A home without credentials."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_without_credentials_none_are_reported(no_home):
    assert (doctor.huggingface_token(), doctor.has_kaggle_credentials()) == (None, False)


def test_a_token_file_is_found_where_the_hub_keeps_it(no_home):
    file = no_home / ".cache" / "huggingface" / "token"
    file.parent.mkdir(parents=True)
    file.write_text(f"{SECRET}\n")
    assert doctor.huggingface_token() == SECRET


@pytest.mark.parametrize("name", ["kaggle.json", "access_token"])
def test_kaggle_files_count_as_credentials(no_home, name):
    (no_home / ".kaggle").mkdir()
    (no_home / ".kaggle" / name).write_text("{}")
    assert doctor.has_kaggle_credentials()


def test_the_report_holds_no_secret_and_prints(no_home, monkeypatch, capsys):
    monkeypatch.setenv("HF_TOKEN", SECRET)
    monkeypatch.setenv("KAGGLE_API_TOKEN", SECRET)
    monkeypatch.setattr(doctor, "HUB", "http://127.0.0.1:9")  # nothing listens on `discard`
    checks = doctor.report(no_home / "store")
    show_report(checks)
    assert SECRET not in json.dumps(checks) + capsys.readouterr().out
    assert (checks["huggingface_credentials"], checks["kaggle_credentials"]) == (True, True)
    assert checks["gemma"].startswith("unknown: no network")
    assert checks["devices"]["found"][0]["platform"]
    assert checks["store"] == {"folder": str(no_home / "store"), "exists": False}
    assert not (no_home / "store").exists()


def test_the_installed_packages_fit_what_is_asked():
    checks = {"packages": doctor.packages(), "store": {}}
    assert doctor.problems(checks) == []
    assert {row["package"] for row in checks["packages"]} >= {"polars", "jax", "google-tunix"}


def test_a_package_of_another_version_is_a_problem_with_what_to_do():
    row = {"package": "jax", "asked": "==0.10.2", "installed": "0.11.0", "extra": "train"}
    missing = {"package": "torch", "asked": "any", "installed": None, "extra": "parity"}
    (line,) = doctor.problems(
        {"packages": [row | {"fits": False}, missing | {"fits": False}], "store": {}}
    )
    assert [word for word in ("jax", "0.11.0", "==0.10.2", "make") if word not in line] == []


@pytest.mark.parametrize(
    ("status", "has_token", "word"),
    [
        (401, False, "HF_TOKEN"),
        (401, True, "invalid"),
        (403, True, "licence"),
        (500, True, "500"),
    ],
)
def test_a_refusal_says_what_to_do(status, has_token, word):
    assert word in doctor.refusal(status, has_token)


def test_an_empty_store_is_healthy(tmp_path):
    open_store(tmp_path / "store")
    health = doctor.store_health(tmp_path / "store")
    assert (health["exists"], health["rows"]) == (True, 0)


def test_a_store_of_a_newer_format_is_a_problem_and_the_report_goes_on(tmp_path):
    open_store(tmp_path / "store")
    (tmp_path / "store" / "STORE.json").write_text('{"format_version": 99, "store_id": "x"}')
    health = doctor.store_health(tmp_path / "store")
    (line,) = doctor.problems({"packages": [], "store": health})
    assert "format 99" in line


def test_a_missing_part_is_a_problem(tmp_path):
    store = open_store(tmp_path / "store")
    runs.begin(store, "eval", run="r", config={}, seed=0, inputs={})
    next((store.folder / "runs").rglob("*.parquet")).unlink()
    before = doctor.problems({"packages": [], "store": doctor.store_health(store.folder)})
    assert before == []  # no query has read it, so nothing is known to be missing
    runs.begin(store, "eval", run="s", config={}, seed=0, inputs={})
    assert runs.state(store, "s")
    next((store.folder / "runs").rglob("*.parquet")).unlink()
    (line,) = doctor.problems({"packages": [], "store": doctor.store_health(store.folder)})
    assert "1 part(s) of the store are missing" in line


def test_a_damaged_store_is_a_problem_and_the_report_goes_on(tmp_path):
    open_store(tmp_path / "store")
    (tmp_path / "store" / "records").write_text("a file where a folder belongs")
    health = doctor.store_health(tmp_path / "store")
    (line,) = doctor.problems({"packages": [], "store": health})
    assert health["exists"]
    assert [word for word in ("store/records", "backup") if word not in line] == []


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"x" * 99, b"\0" * 500])
def test_a_part_that_is_no_whole_file_is_a_problem(tmp_path, content):
    store = open_store(tmp_path / "store")
    runs.begin(store, "eval", run="r", config={}, seed=0, inputs={})
    assert doctor.damaged_parts(store.folder) == []
    part = next((store.folder / "runs").rglob("*.parquet"))
    part.write_bytes(content)
    damaged = doctor.damaged_parts(store.folder)
    assert damaged == [str(part.relative_to(store.folder))]
    (line,) = doctor.problems({"packages": [], "store": {"damaged_parts": damaged}})
    assert f"1 part(s) of the store are damaged: {damaged[0]}" in line


def test_a_store_without_its_mark_is_a_problem(tmp_path):
    store = open_store(tmp_path / "store")
    runs.begin(store, "eval", run="r", config={}, seed=0, inputs={})
    (store.folder / "STORE.json").unlink()
    (line,) = doctor.problems({"packages": [], "store": doctor.store_health(store.folder)})
    assert "no STORE.json" in line


def test_without_the_training_packages_a_note_says_what_does_not_work():
    rows = [{"package": "jax", "installed": None, "extra": "train"},
            {"package": "torch", "installed": None, "extra": "parity"}]  # fmt: skip
    (line,) = doctor.notes({"packages": rows})
    assert "jax not installed" in line
    assert "thinkbench[train]" in line
    assert "torch" not in line


def test_an_accelerator_that_jax_does_not_use_is_a_problem(monkeypatch):
    monkeypatch.setattr(doctor, "ACCELERATORS", ("null",))  # a device that every machine has
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    cpu = {"found": [{"platform": "cpu"}], "why": None}
    checks = {"packages": [], "store": {}, "devices": cpu}
    (line,) = doctor.problems(checks)
    assert "/dev/null are here, but jax computes on the CPU only" in line
    assert doctor.problems(checks | {"devices": {"found": [{"platform": "gpu"}]}}) == []
    assert doctor.problems(checks | {"devices": {"found": None, "why": "no jax"}}) == []
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert doctor.problems(checks) == []


def test_doctor_exits_1_with_problems_and_0_without(say, here, monkeypatch):
    monkeypatch.setattr(doctor, "HUB", "http://127.0.0.1:9")
    monkeypatch.setattr(doctor, "devices", lambda: {"found": None, "why": "not asked"})
    code, out, _ = say("doctor")
    assert (code, "No problems found." in out) == (0, True)
    (here.folder / "STORE.json").write_text("{")
    code, out, _ = say("doctor")
    assert (code, "No problems found." in out) == (1, False)
    code, out, _ = say("doctor", "--json")
    assert (code, json.loads(out)["healthy"]) == (1, False)


def test_every_fault_of_a_store_is_a_problem_with_its_count():
    health = {"missing_parts": 3, "crowded_tables": 2, "half_written": 1}
    lines = doctor.problems({"packages": [], "store": health})
    assert [line.split()[0] for line in lines] == ["3", "2", "1"]
    assert doctor.problems({"packages": [], "store": dict.fromkeys(health, 0)}) == []


def test_thinkbench_that_was_never_installed_is_a_problem(monkeypatch):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.requires", absent)
    monkeypatch.setattr("importlib.metadata.version", absent)
    (line,) = doctor.problems({"packages": doctor.packages(), "store": {}})
    assert line.startswith("thinkbench is not installed")


def test_each_package_is_listed_once_with_the_extra_that_most_people_install():
    rows = doctor.packages()
    names = [row["package"] for row in rows]
    assert len(names) == len(set(names))
    assert {row["package"]: row["extra"] for row in rows}["jax"] == "train"
