"""Tools over a store for programs that speak the Model Context Protocol; they only read."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
