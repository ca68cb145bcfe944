"""Intervals, paired tests, corrections for many tests, power, pass@k, seeds."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
