"""Low-rank adapters through Qwix (arXiv:2106.09685), in float32 even over a bfloat16 base."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import qwix
from flax import nnx
from jax.sharding import Mesh
from tunix.models.gemma3 import model as gemma3

from pipeline.model.compiled import ProgramCache

TARGETS = ".*qkv_einsum|.*q_einsum|.*kv_einsum|.*attn_vec_einsum|.*gate_proj|.*up_proj|.*down_proj"


class Float32LoraProvider(qwix.LoraProvider):
    """Adapters are float32 parameters; the output of a layer keeps the base's dtype.

    A bfloat16 adapter would not move: at a learning rate of 3e-6 most updates are smaller than its
    last digit. Without the cast back, float32 adapters would make every activation float32. A
    product with a preferred_element_type keeps that type: Qwix intercepts every product of the
    model, including those of attention and those that `vmap` makes of them.
    """

    def dot_general(
        self,
        lhs,
        rhs,
        dimension_numbers,
        precision=None,
        preferred_element_type=None,
        out_sharding=None,
    ):
        product = super().dot_general(
            lhs, rhs, dimension_numbers, precision, preferred_element_type, out_sharding
        )
        return product.astype(preferred_element_type or lhs.dtype)

    def einsum(self, einsum_str, *operands, preferred_element_type=None, **kwargs):
        product = super().einsum(
            einsum_str, *operands, preferred_element_type=preferred_element_type, **kwargs
        )
        return product.astype(preferred_element_type or operands[0].dtype)


def add_adapters(
    model: gemma3.Gemma3, *, rank: int, alpha: float, seed: int, mesh: Mesh
) -> gemma3.Gemma3:
    """`model` with adapters on every projection. Its base weights are shared, not copied.

    The B matrices start as zeros, so the new model computes what the old one does. Models of one
    structure share the program, and the graph of what it returns.
    """
    plain, base = nnx.split(model)
    tree = jax.tree.structure(base)
    dtypes = [leaf.dtype for leaf in jax.tree.leaves(base)]
    program = _PROGRAMS.get(
        [plain, tree, dtypes, rank, alpha, mesh], lambda: AdaptersProgram(plain, rank, alpha)
    )
    with mesh:
        adapters = program.new_adapters(base, np.uint32(seed))
    weights = dict(nnx.to_flat_state(base))
    shared = nnx.from_flat_state([(path, weights[path]) for path in program.base_paths])
    return nnx.merge(program.graph, adapters, shared)


class AdaptersProgram:
    """New adapters for base weights of one structure; once they were made, how both are joined.

    Qwix calls the model to find its products; the call is traced, since no process has the weights
    of the others.
    """

    graph: nnx.GraphDef  # of the model with adapters
    base_paths: list[tuple[Any, ...]]  # of the base weights in it

    def __init__(self, plain: nnx.GraphDef, rank: int, alpha: float) -> None:
        self.plain = plain
        self.provider = Float32LoraProvider(module_path=TARGETS, rank=rank, alpha=alpha)
        self.new_adapters = jax.jit(self._new_adapters)

    def _new_adapters(self, base: nnx.State, seed: jax.Array) -> nnx.State:
        model: Any = nnx.merge(self.plain, base)
        adapted: Any = qwix.apply_lora_to_model(
            model, self.provider, **model.get_model_input(), rngs=nnx.Rngs(jax.random.key(seed))
        )
        self.graph, adapters, rest = nnx.split(adapted, nnx.LoRAParam, ...)
        self.base_paths = [path for path, _ in nnx.to_flat_state(rest)]
        adapters = jax.tree.map(lambda w: w.astype(jnp.float32), adapters)
        return jax.lax.with_sharding_constraint(adapters, nnx.get_partition_spec(adapters))


_PROGRAMS: ProgramCache[AdaptersProgram] = ProgramCache()


def merge_adapters(adapted: nnx.Module, plain: gemma3.Gemma3, *, alpha: float) -> gemma3.Gemma3:
    """Add the adapters of `adapted` to the base weights of `plain`, in place.

    plain: the same base weights without adapters, as loaded; sums are computed in float32 and
           rounded once
    """
    targets = dict(nnx.iter_graph(plain))
    for path, module in nnx.iter_graph(adapted):
        if not isinstance(module, nnx.Module):
            continue
        for name in ("w", "kernel"):
            if f"{name}_lora_a" in vars(module):
                a = getattr(module, f"{name}_lora_a")[...]
                b = getattr(module, f"{name}_lora_b")[...]
                target = getattr(targets[path], name)
                delta = _delta(module, name, a, b) * (alpha / a.shape[-1])
                merged = target[...].astype(jnp.float32) + delta
                target[...] = merged.astype(target[...].dtype)
    return plain


def _delta(module: nnx.Module, name: str, a: jax.Array, b: jax.Array) -> jax.Array:
    """The change of a weight before scaling, in the shape of the weight.

    a: [contracted dimensions, rank]   b: [rank, remaining dimensions]
    """
    if name == "kernel":
        return a @ b
    left, weight = vars(module)["einsum_str"].split("->")[0].split(",")
    shared = "".join(axis for axis in weight if axis in left)
    free = "".join(axis for axis in weight if axis not in left)
    return jnp.einsum(f"{shared}r,r{free}->{weight}", a, b)
