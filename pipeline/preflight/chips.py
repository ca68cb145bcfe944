"""The chips that preflight knows: how much memory a program may use, and how fast they are at most.

Memory is what the compiler grants, which is less than what is sold: of a v6e's 32 GiB it says
31.25 when a program does not fit. Speeds are the makers' figures for dense bfloat16.
"""

import os
import re
from dataclasses import dataclass

from data.errors import UserError

GIB = 2**30


class BadChip(UserError):
    """A chip, or a number of them, that preflight does not know: says which there are."""


@dataclass(frozen=True)
class Chip:
    """One kind of accelerator; unknown is None.

    memory:     bytes that one program may use on one chip
    flops:      bfloat16 operations a second at most   bandwidth: bytes of memory a second at most
    topologies: number of chips -> name of their arrangement in libtpu; empty: not a TPU
    """

    name: str
    memory: int
    flops: float | None = None
    bandwidth: float | None = None
    topologies: tuple[tuple[int, str], ...] = ()

    def topology(self, chips: int) -> str:
        """libtpu's name for so many of these chips."""
        known = dict(self.topologies)
        if chips not in known:
            raise BadChip(
                f"the mesh has {chips} chips; preflight compiles for {self.name} with"
                f" {', '.join(map(str, known))}: change model.fsdp or model.tensor_parallel"
            )
        return known[chips]


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
    """The CPU that preflight runs on, whose speed is not known."""
    return Chip("cpu", os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def chip_of(preset: str, asked: str | None = None) -> Chip:
    """The chip `asked` for, or the one that the preset is named after (`v6e-1`, `h200`)."""
    name = asked or preset
    if name in ("cpu", "tiny"):
        return this_machine()
    found = re.fullmatch(r"([a-z0-9]+)(-[0-9x]+)*", name)
    if found is None or found[1] not in CHIPS:
        raise BadChip(
            f"no chip {name!r}; preflight knows {', '.join(CHIPS)} and cpu. Name one with --chip."
        )
    return CHIPS[found[1]]
