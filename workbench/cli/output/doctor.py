"""What `thinkbench doctor` prints."""

from typing import Any

from workbench import doctor
from workbench.cli.output import tables


def show_report(value: dict[str, Any]) -> None:
    """The packages, the machine, then the problems."""
    rows = [
        [row["package"], row["asked"], row["installed"] or "-", row["extra"] or "", verdict(row)]
        for row in value["packages"]
    ]
    devices = value["devices"]["found"]
    facts = [
        ["Python", value["python"]],
        ["CPUs", str(value["cpus"])],
        ["memory", size(value["memory_bytes"])],
        ["disk free", size(value["disk_free_bytes"])],
        [
            "devices",
            ", ".join(map(device, devices)) if devices else f"unknown: {value['devices']['why']}",
        ],
        ["Hugging Face credentials", present(value["huggingface_credentials"])],
        ["Kaggle credentials", present(value["kaggle_credentials"])],
        [f"{doctor.LICENSED}", value["gemma"]],
        *([f"store {name}", store_fact(item)] for name, item in value["store"].items()),
    ]
    tables.show(
        tables.table(
            "Packages", ["package", "required", "installed", "extra", "verdict"], rows, words=True
        ),
        tables.table("Machine and access", ["what", "found"], facts, words=True),
        *value["notes"],
        *(value["problems"] or ["No problems found."]),
    )


def store_fact(value: Any) -> str:
    """A number, a text, or how many things a list names."""
    return tables.count(len(value) if isinstance(value, list) else value)


def verdict(row: dict[str, Any]) -> str:
    if row["fits"]:
        return "fits"
    return "does not fit" if doctor.needed(row) else "not installed"


def device(row: dict[str, Any]) -> str:
    memory = row["memory_bytes"]
    return f"{row['kind']} ({size(memory)})" if memory else row["kind"]


def present(exists: bool) -> str:
    return "present" if exists else "none"


def size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
