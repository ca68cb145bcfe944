"""Preflight: whether a run fits on a chip and how long it takes, before it starts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
