"""The accelerators that preflight knows: memory that a program may use, and peak speeds.

Memory is what the compiler grants, which is less than the nominal size: on a v6e with 32 GiB it
reports 31.25 GiB when a program does not fit; of a GPU, jax takes three quarters unless
XLA_PYTHON_CLIENT_MEM_FRACTION says otherwise (59.3 GiB of an H100).
Speeds are the vendors' figures for dense bfloat16.
"""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data.errors import UserError

GIB = 2**30
MEMORY = Path("/proc/meminfo")


class BadChip(UserError):
    """A chip, or a number of chips, that preflight does not know."""


@dataclass(frozen=True)
class Chip:
    """One kind of accelerator. None where a speed is unknown.

    memory:     bytes that one program may use on one chip
    device:     what jax's name of the device contains   alias: another spelling of it, or ""
    flops:      peak bfloat16 operations per second
    bandwidth:  peak bytes of memory per second
    topologies: number of chips -> libtpu's name of their arrangement; empty: not a TPU
    """

    name: str
    memory: int
    device: str
    flops: float | None = None
    bandwidth: float | None = None
    topologies: tuple[tuple[int, str], ...] = ()
    alias: str = ""

    def topology(self, chips: int) -> str:
        """libtpu's name for an arrangement of this many chips."""
        topologies = dict(self.topologies)
        if chips not in topologies:
            raise BadChip(
                f"the mesh has {chips} chips; preflight can compile for {self.name} with"
                f" {', '.join(map(str, topologies))} chips: change model.fsdp or"
                " model.tensor_parallel"
            )
        return topologies[chips]


V6E = ((1, "1x1"), (4, "2x2"), (8, "2x4"))
V5E = ((1, "1x1"), (4, "2x2"), (8, "2x4"))
CHIPS = {
    # cloud.google.com/tpu/docs/v6e and /v5e
    "v6e": Chip(
        "v6e", int(31.25 * GIB), "TPU v6 lite", 918e12, 1_640e9,
        tuple((n, f"v6e:{t}") for n, t in V6E), "TPU v6e",
    ),
    "v5e": Chip(
        "v5e", int(15.75 * GIB), "TPU v5 lite", 197e12, 819e9,
        tuple((n, f"v5e:{t}") for n, t in V5E), "TPU v5e",
    ),
    # nvidia.com/en-us/data-center: dense, without sparsity
    "h100": Chip("h100", int(0.75 * 79.1 * GIB), "H100", 989e12, 3_350e9),
    "h200": Chip("h200", int(0.75 * 139.8 * GIB), "H200", 989e12, 4_800e9),
    # float32, as it has no bfloat16
    "t4": Chip("t4", int(0.75 * 14.6 * GIB), "T4", 8.1e12, 320e9),
}  # fmt: skip


def this_machine() -> Chip:
    """The CPU of this machine. Its speed is unknown."""
    return Chip("cpu", os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "cpu")


def chip_of(name: str) -> Chip:
    """The chip named `name`; `cpu` is this machine."""
    if name == "cpu":
        return this_machine()
    if name not in CHIPS:
        raise BadChip(
            f"there is no chip {name!r}; preflight knows {', '.join(CHIPS)} and cpu. Name one with"
            " --chip, or in the preset: model.chip."
        )
    return CHIPS[name]


@dataclass(frozen=True)
class Device:
    """A device as jax has it. memory: bytes that programs may use, None where jax does not say"""

    kind: str
    platform: str
    memory: int | None = None


def devices_here() -> list[Device]:
    """The devices of this process. Loads jax, and takes an accelerator for this process."""
    import jax

    return [
        Device(one.device_kind, one.platform, (one.memory_stats() or {}).get("bytes_limit"))
        for one in jax.local_devices()
    ]


def bytes_free() -> int:
    """Memory that is free: of the first accelerator of this process, else of this machine."""
    import jax

    stats = jax.local_devices()[0].memory_stats()
    if stats and "bytes_limit" in stats:
        return stats["bytes_limit"] - stats["bytes_in_use"]
    if MEMORY.is_file():  # Linux: also what the cache of files would give back
        for line in MEMORY.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def hosts() -> int:
    """How many hosts run this program together, each with devices of its own."""
    import jax

    return jax.process_count()


def described(devices: Sequence[Device]) -> str:
    """For people: "1 x NVIDIA H100 80GB HBM3 (59 GiB for programs)"."""
    texts = []
    for device, number in Counter(devices).items():
        memory = f" ({device.memory / GIB:.0f} GiB for programs)" if device.memory else ""
        kind = "CPU" if device.platform == "cpu" else device.kind
        texts.append(f"{number} x {kind}{memory}")
    return "; ".join(texts)


SMALLER = 0.9  # of a chip's memory: a part of a chip (MIG), or a lower limit, is not that chip


def _is(device: Device, name: str) -> bool:
    """By the whole word: a GH200 is no H200. A chip with less memory than it should is another."""
    chip = chip_of(name)
    spellings = "|".join(re.escape(word) for word in (chip.device, chip.alias) if word)
    if re.search(rf"\b(?:{spellings})\b", device.kind) is None:
        return False
    return device.memory is None or device.memory >= SMALLER * chip.memory


def refuse_other_devices(
    preset: str, chip: str, devices: Sequence[Device], chips: int = 1, hosts: int = 1
) -> None:
    """Raise UserError where a preset is for a chip and the devices are others, or too few.

    chip:    as the knob has it: every machine will do for "cpu", and where none is named
    devices: of this host   chips: of the preset's mesh, over all hosts
    """
    if chip in ("", "cpu"):
        return
    present = hosts * sum(_is(device, chip) for device in devices)
    if present >= chips:
        return
    number = "a" if chips == 1 else f"{chips} x"
    memory = chip_of(chip).memory / GIB
    wanted = f"preset {preset} is for {number} {chip} ({chip_of(chip).device}, {memory:.0f} GiB"
    wanted += " for programs)"
    on_hosts = f" on each of {hosts} hosts" if hosts > 1 else " here"
    fewer = (
        f" To use what is there: --set model.fsdp={present} --set model.tensor_parallel=1."
        if present
        else ""
    )
    raise UserError(
        f"{wanted}; jax has {described(devices)}{on_hosts}.{fewer} Choose a preset for this machine"
        " (tiny fits every one), look at thinkbench doctor if the chip is there, or start"
        " nevertheless: --allow-other-device"
    )


def unused(chip: str, devices: Sequence[Device], chips: int, hosts: int = 1) -> str:
    """Says that a run uses a part of the chips that are there; "" where it uses all."""
    present = hosts * sum(_is(device, chip) for device in devices) if chip in CHIPS else 0
    if present <= chips:
        return ""
    return f" The preset uses {chips} of {present}: --set model.fsdp={present} uses all."
