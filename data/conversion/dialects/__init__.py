"""Dialects: a table of thinking and answer markers, and where they stand in a text."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
