"""A model of the bundled model's first layers: it compiles in a third of the time."""

import json
import shutil
from importlib import metadata
from pathlib import Path

from packaging.version import Version
from safetensors.numpy import load_file, save_file

from pipeline.model import TINY

LAYERS = 2
# LLVM's optimizer took 81 of 187 CPU seconds of the tests of losses and steps, and 31 of 75 of
# tests/pipeline/model/test_mesh.py. Of what remained, two thirds went into MLIR's emitters of
# fusions: a gradient compiles in 1.1 s with XLA's older emitter, in 3.3 with these, 7 with both.
# Sums differ in their last digits, and the errors of what is left out go untested; `make demo`
# runs with all of it. jaxlib 0.11 has only the new emitters, and ends the process at a flag that it
# does not know.
HAS_OLDER_EMITTER = Version(metadata.version("jaxlib")) < Version("0.11")
UNOPTIMIZED = "--xla_backend_optimization_level=0" + (
    " --xla_cpu_use_fusion_emitters=false" if HAS_OLDER_EMITTER else ""
)


def made_in(folder: Path) -> Path:
    """Write a Gemma 3 with the tiny model's tokenizer to `folder`; returns it."""
    shutil.copytree(TINY, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {"num_hidden_layers": LAYERS, "layer_types": config["layer_types"][-LAYERS:]}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for path in folder.glob("*.safetensors"):
        weights = load_file(path)
        first = {name: w for name, w in weights.items() if _layer_of(name) < LAYERS}
        save_file(first, path, metadata={"format": "pt"})
    return folder


def _layer_of(name: str) -> int:
    parts = name.split(".")
    return int(parts[2]) if parts[1] == "layers" else 0
