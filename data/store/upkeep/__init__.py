"""Upkeep of a store: parts are merged, runs deleted and restored, losses found and repaired."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
