"""Comparison of runs on the same problems: metrics, slices, transitions, causes of a gain."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
