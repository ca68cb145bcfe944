"""Lineage: where a generation came from, back to the files and hubs of its rows."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
