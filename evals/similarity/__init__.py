"""Texts that are similar: problems near a record, search by meaning, clusters of generations."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
