"""What the compiler says of a step: bytes by part, operations, or that it does not fit.

Each step is compiled in a process of its own: libtpu wants its variables before jax is loaded, and
lets one process at a time compile. What was compiled once, of the same code and packages, is kept.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Any

from data.errors import UserError
from pipeline.config import Preset, as_json
from pipeline.preflight.chips import Chip
from pipeline.preflight.steps import Step, preset_from

PACKAGES = ("jax", "jaxlib", "libtpu", "flax", "google-tunix", "qwix", "optax")
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
# How the compiler says that a program does not fit: all that it uses, or its temporaries alone.
ALL_USED = re.compile(r"Used ([\d.]+)([KMGT]?) of [\d.]+[KMGT]? (?:hbm|vmem)")
TEMPORARIES = re.compile(r"HLO temporaries \(([\d.]+)([KMGT]?)\) exceeds available HBM")


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """What the compiler says of one program on one chip. None: it gave up for lack of memory.

    parts: bytes of what it is called with   temporaries: bytes
    peak:  bytes of arguments, temporaries and outputs, less what outputs share with arguments
    flops, moved: operations and bytes by the compiler's count, in which a loop's body counts once
    """

    parts: dict[str, int]
    temporaries: int | None
    peak: int
    flops: float | None
    moved: float | None
    seconds: float  # that compiling took


def has_compiler(chip: Chip) -> bool:
    """Whether programs can be compiled for `chip` here."""
    return not chip.topologies or util.find_spec("libtpu") is not None


def compiled(step: Step, preset: Preset, chip: Chip) -> Compiled:
    """`step` compiled for `chip`, or what was kept of it."""
    chips = preset.model.fsdp * preset.model.tensor_parallel
    asked = {
        "step": as_json(step),
        "preset": as_json(preset),
        "topology": chip.topology(chips) if chip.topologies else None,
    }
    kept = _cache() / f"{_key(step, preset, asked['topology'])}.json"
    if not kept.is_file():
        answer = _asked(asked)
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=kept.parent, delete=False) as file:
            json.dump(answer, file)
        Path(file.name).replace(kept)
    return Compiled(**json.loads(kept.read_text()))


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "thinkbench" / "preflight"


def _key(step: Step, preset: Preset, topology: str | None) -> str:
    from pipeline.job import hash_of_code

    versions = {name: metadata.version(name) for name in PACKAGES if _installed(name)}
    # all that a program depends on: other steps of the preset do not change this one
    sections = {name: value for name, value in as_json(preset).items() if name != "name"}
    content = [step.program(), sections, topology, versions, hash_of_code()]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _asked(asked: dict[str, Any]) -> dict[str, Any]:
    """The answer of a process that compiles one step."""
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
    if asked["topology"]:
        kind = asked["topology"].partition(":")[0]
        environment |= {
            "TPU_SKIP_MDS_QUERY": "1",
            "TPU_ACCELERATOR_TYPE": f"{kind}-1",
            "TPU_WORKER_HOSTNAMES": "localhost",
        }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "pipeline.preflight.compiled"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        env=environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    if done.returncode:
        raise UserError(
            f"{asked['step']['name']} could not be compiled for {asked['topology'] or 'cpu'}:"
            f" {(done.stderr.strip().splitlines() or ['no word of why'])[-1][:500]}. Take"
            " --estimate for an answer by arithmetic."
        )
    return json.loads(done.stdout.splitlines()[-1])


def _compile(asked: dict[str, Any]) -> Compiled:
    """Called in the process of its own."""
    from pipeline.preflight.programs import program

    preset = preset_from(asked["preset"])
    step = Step(**{**asked["step"], "beside": tuple(asked["step"]["beside"])})
    found = program(step, preset, _mesh(asked["topology"], preset))
    started = time.monotonic()
    try:
        made = found.lowered.compile()
    except Exception as error:  # jax's own class is not public
        peak = overfull(str(error), found.parts)
        if peak is None:
            raise
        return Compiled(
            parts=found.parts,
            temporaries=None,
            peak=peak,
            flops=None,
            moved=None,
            seconds=time.monotonic() - started,
        )
    made = getattr(made, "compiled", made)
    memory, cost = made.memory_analysis(), made.cost_analysis() or {}
    peak = (
        memory.argument_size_in_bytes
        + memory.temp_size_in_bytes
        + memory.output_size_in_bytes
        - memory.alias_size_in_bytes
    )
    return Compiled(
        parts=found.parts,
        temporaries=memory.temp_size_in_bytes,
        peak=peak,
        flops=cost.get("flops"),
        moved=cost.get("bytes accessed"),
        seconds=time.monotonic() - started,
    )


def overfull(said: str, parts: dict[str, int]) -> int | None:
    """Bytes that a program would need, by the error that says it does not fit; None: another."""
    if found := ALL_USED.search(said):
        return int(float(found[1]) * UNITS[found[2]])
    if found := TEMPORARIES.search(said):
        return int(float(found[1]) * UNITS[found[2]]) + sum(parts.values())
    return None


def _mesh(topology: str | None, preset: Preset) -> Any:
    import numpy as np
    from jax.experimental import topologies
    from jax.sharding import Mesh

    fsdp, tensor_parallel = preset.model.fsdp, preset.model.tensor_parallel
    if topology is None:
        from pipeline.model import device_mesh

        return device_mesh(fsdp, tensor_parallel)
    grid = tuple(int(size) for size in topology.partition(":")[2].split("x"))
    described = topologies.get_topology_desc(
        platform="tpu",
        topology_name=topology,
        chips_per_host_bounds=(*grid, 1)[:3],
        num_slices=1,
    )
    return Mesh(np.array(described.devices).reshape(fsdp, tensor_parallel), ("fsdp", "tp"))


if __name__ == "__main__":
    print(json.dumps(asdict(_compile(json.load(sys.stdin)))))
