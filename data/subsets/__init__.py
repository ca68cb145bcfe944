"""Subsets of rows: the filter language, recipes, their steps, named versions."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
