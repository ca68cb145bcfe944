"""The accelerators that preflight knows: memory that a program may use, and peak speeds.

Memory is what the compiler grants, which is less than the nominal size: on a v6e with 32 GiB it
reports 31.25 GiB when a program does not fit. Speeds are the vendors' figures for dense bfloat16.
"""

import os
import re
from dataclasses import dataclass

from data.errors import UserError

GIB = 2**30


class BadChip(UserError):
    """A chip, or a number of chips, that preflight does not know."""


@dataclass(frozen=True)
class Chip:
    """One kind of accelerator. None where a speed is unknown.

    memory:     bytes that one program may use on one chip
    flops:      peak bfloat16 operations per second
    bandwidth:  peak bytes of memory per second
    topologies: number of chips -> libtpu's name of their arrangement; empty: not a TPU
    """

    name: str
    memory: int
    flops: float | None = None
    bandwidth: float | None = None
    topologies: tuple[tuple[int, str], ...] = ()

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
    "v6e": Chip("v6e", int(31.25 * GIB), 918e12, 1_640e9, tuple((n, f"v6e:{t}") for n, t in V6E)),
    "v5e": Chip("v5e", int(15.75 * GIB), 197e12, 819e9, tuple((n, f"v5e:{t}") for n, t in V5E)),
    # nvidia.com/en-us/data-center: dense, without sparsity
    "h100": Chip("h100", 79 * GIB, 989e12, 3_350e9),
    "h200": Chip("h200", 139 * GIB, 989e12, 4_800e9),
}


def this_machine() -> Chip:
    """The CPU of this machine. Its speed is unknown."""
    return Chip("cpu", os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def chip_of(preset: str, chip: str | None = None) -> Chip:
    """The chip named `chip`, or else the one that the preset is named after (`v6e-1`, `h200`)."""
    name = chip or preset
    if name in ("cpu", "tiny"):
        return this_machine()
    match = re.fullmatch(r"([a-z0-9]+)(-[0-9x]+)*", name)
    if match is None or match[1] not in CHIPS:
        raise BadChip(
            f"there is no chip {name!r}; preflight knows {', '.join(CHIPS)} and cpu. Name one with"
            " --chip."
        )
    return CHIPS[match[1]]
