"""The packages that decide a stage's result, by version."""

from collections.abc import Iterable
from importlib import metadata

# First part of an imported name -> the distributions whose versions count: the package and those
# behind it that compute. What only stores, downloads or shows rows and numbers is not among them
# (tests/pipeline/fingerprint/test_packages.py gives the reasons). A plugin of jax counts where it
# is installed, used or not.
DECIDING = {
    "tunix": ("google-tunix",),
    "jax": ("jax", "jaxlib", "jax-cuda12-plugin", "jax-cuda13-plugin", "libtpu"),
    "flax": ("flax",),
    "qwix": ("qwix",),
    "optax": ("optax",),
    "grain": ("grain",),  # the order of the data; so does numpy
    "numpy": ("numpy",),
    "transformers": ("transformers", "tokenizers", "jinja2"),  # jinja2 fills in chat templates
    "math_verify": ("math-verify", "latex2sympy2-extended"),
    "latex2sympy2_extended": ("latex2sympy2-extended",),
    "sympy": ("sympy", "mpmath"),
}


def versions_of(imported: Iterable[str]) -> dict[str, str]:
    """Distribution -> its version, of those behind these first parts of imported names."""
    names = sorted(name for first in imported for name in DECIDING.get(first, ()))
    versions = {name: _version(name) for name in names}
    return {name: version for name, version in versions.items() if version}


def _version(name: str) -> str:
    """ "" where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
