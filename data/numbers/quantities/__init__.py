"""Quantities: numbers with their signs, scales, percent signs and units, and what joins them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
