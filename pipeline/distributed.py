"""Several processes that train one model together, each on the devices of its own host.

Every process runs the same program on the same rows and has a whole store of its own: no process
writes for another, so they need no shared disk. Whatever may differ between processes (a signal,
the clock, the step that was saved last) is agreed on before anyone acts on it: a process that took
another path would leave the others waiting for ever.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from data.errors import UserError

COORDINATOR = "THINKBENCH_COORDINATOR"  # host:port of process 0, or auto
PROCESSES = "THINKBENCH_PROCESSES"  # number of processes
PROCESS = "THINKBENCH_PROCESS"  # number of this process, from 0
SHUTDOWN_SECONDS = 60  # after the first process ends, the others must end, or it is an error

Tree = TypeVar("Tree")


def join(environment: Mapping[str, str]) -> None:
    """Connect this process to the others that `environment` names; does nothing if it names none.

    Call it before jax sees any device. With `auto` jax reads the cluster's own environment: Cloud
    TPU, Slurm, Open MPI or Kubernetes.
    """
    variables = {name: environment[name] for name in (COORDINATOR, PROCESSES, PROCESS)
             if environment.get(name)}  # fmt: skip
    if not variables or jax.distributed.is_initialized():
        return
    if variables == {COORDINATOR: "auto"}:
        try:
            jax.distributed.initialize(shutdown_timeout_seconds=SHUTDOWN_SECONDS)
        except (ValueError, RuntimeError) as error:
            raise UserError(
                f"{COORDINATOR}=auto found no cluster that lists its processes ({error})."
                f" Expected Cloud TPU, Slurm, Open MPI or Kubernetes; else set {COORDINATOR} to"
                f" host:port, {PROCESSES} and {PROCESS}."
            ) from error
        return
    host, processes, process = checked(variables)
    try:
        jax.distributed.initialize(
            host, processes, process, shutdown_timeout_seconds=SHUTDOWN_SECONDS
        )
    except RuntimeError as error:
        raise UserError(
            f"process {process} of {processes} found no coordinator at {host} ({error}). Expected"
            " process 0 there: start it, with the same variables, and open its port."
        ) from error


def checked(variables: Mapping[str, str]) -> tuple[str, int, int]:
    """Address of the coordinator, number of processes, number of this one; or UserError."""
    host, port = variables.get(COORDINATOR, "").rpartition(":")[::2]
    numbers = [variables.get(PROCESSES, ""), variables.get(PROCESS, "")]
    all_numbers = all(number.isascii() and number.isdigit() for number in (port, *numbers))
    if not all_numbers or not host or not int(numbers[1]) < int(numbers[0]):
        values = ", ".join(f"{name}={value}" for name, value in sorted(variables.items()))
        raise UserError(
            f"found {values}; expected {COORDINATOR}=host:port of process 0, {PROCESSES}=n and"
            f" {PROCESS}=0 to n-1, or {COORDINATOR}=auto alone; set all three, or none"
        )
    return f"{host}:{port}", int(numbers[0]), int(numbers[1])


def several() -> bool:
    """Whether more than one process takes part."""
    return jax.process_count() > 1


def is_first() -> bool:
    """Whether this process is number 0, which does what only one process should do."""
    return jax.process_index() == 0


def spread(tree: Tree, mesh: Mesh) -> Tree:
    """Arrays that every process has whole, sharded over `mesh`: their rows over the axis fsdp.

    Arrays whose rows do not divide evenly are replicated. Arrays already on the mesh are unchanged.
    """
    if not several():
        return tree

    def put(array: Any) -> Any:
        if not isinstance(array, np.ndarray | jax.Array) or _on_other_hosts(array):
            return array
        divides = array.ndim and array.shape[0] % mesh.shape["fsdp"] == 0
        spec = PartitionSpec("fsdp") if divides else PartitionSpec()
        return sharded(np.asarray(array), NamedSharding(mesh, spec))

    return jax.tree.map(put, tree)


def sharded(array: np.ndarray[Any, Any], sharding: jax.sharding.Sharding) -> jax.Array:
    """An array that every process has whole, laid out by `sharding`."""
    return jax.make_array_from_callback(array.shape, sharding, lambda part: array[part])


def whole(tree: Any) -> Any:
    """The arrays of `tree` on this host, whole, on whichever hosts their shards are."""

    def fetched(array: Any) -> Any:
        if _on_other_hosts(array) and not array.is_fully_replicated:
            return multihost_utils.process_allgather(array, tiled=True)
        return jax.device_get(array)

    return jax.tree.map(fetched, tree)


def _on_other_hosts(array: Any) -> bool:
    return isinstance(array, jax.Array) and not array.is_fully_addressable


def any_of(flag: bool) -> bool:
    """Whether `flag` is true in any process. Every process must call it."""
    return flag if not several() else bool(gathered(np.array(flag)).any())


def in_all(flags: Iterable[bool]) -> list[bool]:
    """For each flag, whether it is true in every process.

    Every process must call it, with equally many flags.
    """
    flags = list(flags)
    if not several() or not flags:
        return flags
    in_every_process = gathered(np.array(flags)).astype(np.uint8).min(axis=0)
    return [bool(flag) for flag in in_every_process]


def minimum(number: int) -> int:
    """The smallest `number` of all processes. Every process must call it."""
    return number if not several() else int(gathered(np.array(number)).min())


def check_same(what: str, value: str) -> None:
    """Raise UserError in every process unless all have the same `value`."""
    if not several():
        return
    digest = hashlib.sha256(value.encode()).digest()
    digests = gathered(np.frombuffer(digest, np.uint8))
    differing = np.flatnonzero((digests != digests[0]).any(axis=1)).tolist()
    if differing:
        raise UserError(
            f"{what} is {value} in process {jax.process_index()}, and not the same in process 0 and"
            f" process(es) {', '.join(map(str, differing))}. Expected the same command, rows and"
            " packages everywhere: copy the store of one process to the others."
        )


def gathered(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The arrays of all processes: [processes, ...]."""
    return np.asarray(multihost_utils.process_allgather(array))
