"""The whole job: its stages, their runs and inputs, and trials of subsets."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
