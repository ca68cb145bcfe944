"""Several processes that train one model together, each on the devices of its own host.

Every process runs the same program on the same rows and has a whole store of its own: nothing is
written by one for the others, so they need no common disk. What depends on where a process is (a
signal, a clock, how far it was when it was killed) is agreed on before it is acted upon, as one
that takes another path would leave the others waiting for ever.
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
PROCESSES = "THINKBENCH_PROCESSES"  # how many there are
PROCESS = "THINKBENCH_PROCESS"  # which of them this is, from 0
ENDS_WITHIN = 60  # [s] after the first that ends: the others end too, or one has failed

Tree = TypeVar("Tree")


def join(environment: Mapping[str, str]) -> None:
    """Make this process one of those that `environment` names; nothing where it names none.

    To be called before any device is looked at. `auto` asks what the process runs under: Cloud TPU,
    Slurm, Open MPI or Kubernetes.
    """
    named = {name: environment[name] for name in (COORDINATOR, PROCESSES, PROCESS)
             if environment.get(name)}  # fmt: skip
    if not named or jax.distributed.is_initialized():
        return
    if named == {COORDINATOR: "auto"}:
        try:
            jax.distributed.initialize(shutdown_timeout_seconds=ENDS_WITHIN)
        except (ValueError, RuntimeError) as error:
            raise UserError(
                f"{COORDINATOR}=auto found nothing that tells which processes there are ({error})."
                f" Expected Cloud TPU, Slurm, Open MPI or Kubernetes; else set {COORDINATOR} to"
                f" host:port, {PROCESSES} and {PROCESS}."
            ) from error
        return
    host, processes, process = checked(named)
    try:
        jax.distributed.initialize(host, processes, process, shutdown_timeout_seconds=ENDS_WITHIN)
    except RuntimeError as error:
        raise UserError(
            f"process {process} of {processes} found no coordinator at {host} ({error}). Expected"
            " process 0 there: start it, with the same variables, and open its port."
        ) from error


def checked(named: Mapping[str, str]) -> tuple[str, int, int]:
    """Address of the coordinator, number of processes, number of this one; BadHosts otherwise."""
    host, port = named.get(COORDINATOR, "").rpartition(":")[::2]
    numbers = [named.get(PROCESSES, ""), named.get(PROCESS, "")]
    whole = all(number.isascii() and number.isdigit() for number in (port, *numbers))
    if not whole or not host or not int(numbers[1]) < int(numbers[0]):
        found = ", ".join(f"{name}={value}" for name, value in sorted(named.items()))
        raise UserError(
            f"found {found}; expected {COORDINATOR}=host:port of process 0, {PROCESSES}=n and"
            f" {PROCESS}=0 to n-1, or {COORDINATOR}=auto alone; set all three, or none"
        )
    return f"{host}:{port}", int(numbers[0]), int(numbers[1])


def several() -> bool:
    """Whether there are other processes than this one."""
    return jax.process_count() > 1


def first() -> bool:
    """Whether this process is the one that does what is done once for all."""
    return jax.process_index() == 0


def spread(tree: Tree, mesh: Mesh) -> Tree:
    """Arrays that every process has whole, as arrays over `mesh`: their rows over the axis fsdp.

    Rows that do not divide are whole on each device. What lies on the mesh already stays.
    """
    if not several():
        return tree

    def put(array: Any) -> Any:
        if not isinstance(array, np.ndarray | jax.Array) or _elsewhere(array):
            return array
        divides = array.ndim and array.shape[0] % mesh.shape["fsdp"] == 0
        spec = PartitionSpec("fsdp") if divides else PartitionSpec()
        return laid(np.asarray(array), NamedSharding(mesh, spec))

    return jax.tree.map(put, tree)


def laid(array: np.ndarray[Any, Any], sharding: jax.sharding.Sharding) -> jax.Array:
    """An array that every process has whole, as `sharding` has it."""
    return jax.make_array_from_callback(array.shape, sharding, lambda part: array[part])


def whole(tree: Any) -> Any:
    """The arrays of `tree` in this process's memory, whole, wherever their parts lie."""

    def fetched(array: Any) -> Any:
        if _elsewhere(array) and not array.is_fully_replicated:
            return multihost_utils.process_allgather(array, tiled=True)
        return jax.device_get(array)

    return jax.tree.map(fetched, tree)


def _elsewhere(array: Any) -> bool:
    return isinstance(array, jax.Array) and not array.is_fully_addressable


def any_of(said: bool) -> bool:
    """Whether any process says so. All must ask."""
    return said if not several() else bool(gathered(np.array(said)).any())


def in_all(marks: Iterable[bool]) -> list[bool]:
    """Which of the marks are set in every process. All must ask, with as many."""
    marks = list(marks)
    if not several() or not marks:
        return marks
    everywhere = gathered(np.array(marks)).astype(np.uint8).min(axis=0)
    return [bool(mark) for mark in everywhere]


def least(number: int) -> int:
    """The least of what the processes say. All must ask."""
    return number if not several() else int(gathered(np.array(number)).min())


def same(what: str, value: str) -> None:
    """Raise BadHosts in every process, if one has another `value` than the others."""
    if not several():
        return
    digest = hashlib.sha256(value.encode()).digest()
    found = gathered(np.frombuffer(digest, np.uint8))
    others = np.flatnonzero((found != found[0]).any(axis=1)).tolist()
    if others:
        raise UserError(
            f"{what} is {value} in process {jax.process_index()}, and not the same in process 0 and"
            f" process(es) {', '.join(map(str, others))}. Expected the same command, rows and"
            " packages everywhere: copy the store of one process to the others."
        )


def gathered(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """[processes, ...]: what each process gave."""
    return np.asarray(multihost_utils.process_allgather(array))
