"""Compile a step and read from the compiler how much memory it needs.

Each step is compiled in a subprocess: libtpu reads environment variables when jax is loaded, and
only one process at a time may compile. Results are cached by step, code and package versions.
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
from pipeline.config import SECTIONS, Preset, as_json
from pipeline.preflight.chips import Chip
from pipeline.preflight.steps import Step

PACKAGES = ("jax", "jaxlib", "libtpu", "flax", "google-tunix", "qwix", "optax")
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
# How the compiler reports that a program does not fit: all of its memory, or its temporaries.
TOTAL_USED = re.compile(r"Used ([\d.]+)([KMGT]?) of [\d.]+[KMGT]? (?:hbm|vmem)")
TEMPORARIES = re.compile(r"HLO temporaries \(([\d.]+)([KMGT]?)\) exceeds available HBM")


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """What the compiler says of one program on one chip. None: it gave up, memory ran out.

    parts: bytes of its arguments by part      temporaries: bytes
    peak:  bytes of arguments, temporaries and outputs, less what outputs share with arguments
    flops, moved: operations and bytes by the compiler's count, in which a loop's body counts once
    seconds: time that compiling took
    """

    parts: dict[str, int]
    temporaries: int | None
    peak: int
    flops: float | None
    moved: float | None
    seconds: float


def has_compiler(chip: Chip) -> bool:
    """Whether programs can be compiled for `chip` on this machine."""
    return not chip.topologies or util.find_spec("libtpu") is not None


def compile_step(step: Step, preset: Preset, chip: Chip) -> Compiled:
    """`step` compiled for `chip`, from the cache if it was compiled before."""
    chips = preset.model.fsdp * preset.model.tensor_parallel
    topology = chip.topology(chips) if chip.topologies else None
    cached = _cache_folder() / f"{_cache_key(step, preset, topology)}.json"
    if not cached.is_file():
        answer = _compile_in_subprocess(
            {"step": as_json(step), "preset": as_json(preset), "topology": topology}
        )
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=cached.parent, delete=False) as file:
            json.dump(answer, file)
        Path(file.name).replace(cached)
    return Compiled(**json.loads(cached.read_text()))


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "thinkbench" / "preflight"


def _cache_key(step: Step, preset: Preset, topology: str | None) -> str:
    from pipeline.fingerprint import code_on_disk, hash_of

    versions = {name: metadata.version(name) for name in PACKAGES if _is_installed(name)}
    # the step's shapes, not its name: other steps of the preset do not change this program
    sections = {name: value for name, value in as_json(preset).items() if name != "name"}
    content = [
        step.program(),
        sections,
        topology,
        versions,
        hash_of(code_on_disk("pipeline.preflight.compiled")),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _is_installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _compile_in_subprocess(request: dict[str, Any]) -> dict[str, Any]:
    """request: step, preset and topology as JSON values; returns the fields of `Compiled`."""
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
    if request["topology"]:
        kind = request["topology"].partition(":")[0]
        environment |= {
            "TPU_SKIP_MDS_QUERY": "1",
            "TPU_ACCELERATOR_TYPE": f"{kind}-1",
            "TPU_WORKER_HOSTNAMES": "localhost",
        }
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "pipeline.preflight.compiled"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        env=environment
        | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"},
        check=False,
    )
    if result.returncode:
        raise UserError(
            f"{request['step']['name']} could not be compiled for {request['topology'] or 'cpu'}:"
            f" {(result.stderr.strip().splitlines() or ['no message'])[-1][:500]}. Use --estimate"
            " for an answer by arithmetic."
        )
    return json.loads(result.stdout.splitlines()[-1])


def _compile(request: dict[str, Any]) -> Compiled:
    """Runs in the subprocess."""
    from pipeline.preflight.programs import program_of

    preset = preset_from(request["preset"])
    step = Step(**{**request["step"], "beside": tuple(request["step"]["beside"])})
    program = program_of(step, preset, _mesh(request["topology"], preset))
    started = time.monotonic()
    try:
        result = program.lowered.compile()
    except Exception as error:  # jax's own class is not public
        peak = bytes_needed(str(error), program.parts)
        if peak is None:
            raise
        return Compiled(
            parts=program.parts,
            temporaries=None,
            peak=peak,
            flops=None,
            moved=None,
            seconds=time.monotonic() - started,
        )
    result = getattr(result, "compiled", result)
    memory, cost = result.memory_analysis(), result.cost_analysis() or {}
    peak = (
        memory.argument_size_in_bytes
        + memory.temp_size_in_bytes
        + memory.output_size_in_bytes
        - memory.alias_size_in_bytes
    )
    return Compiled(
        parts=program.parts,
        temporaries=memory.temp_size_in_bytes,
        peak=peak,
        flops=cost.get("flops"),
        moved=cost.get("bytes accessed"),
        seconds=time.monotonic() - started,
    )


def bytes_needed(message: str, parts: dict[str, int]) -> int | None:
    """Bytes that a program needs, from the error that it does not fit; None for another error."""
    if match := TOTAL_USED.search(message):
        return int(float(match[1]) * UNITS[match[2]])
    if match := TEMPORARIES.search(message):
        return int(float(match[1]) * UNITS[match[2]]) + sum(parts.values())
    return None


def preset_from(values: dict[str, Any]) -> Preset:
    """The preset that `as_json` turned into `values`."""
    sections = {
        name: section(
            **{k: tuple(v) if isinstance(v, list) else v for k, v in values[name].items()}
        )
        for name, section in SECTIONS.items()
    }
    return Preset(name=values["name"], **sections)


def _mesh(topology: str | None, preset: Preset) -> Any:
    """The preset's mesh, of this machine's devices or of a TPU topology that is not here."""
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
