"""Texts that repeat others or themselves: near duplicates, overlap, loops, what was trained on."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
