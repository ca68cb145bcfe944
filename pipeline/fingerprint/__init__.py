"""The code that a stage's result depends on, and runs of the same values by other code."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
