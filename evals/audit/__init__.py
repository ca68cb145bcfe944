"""Audits: agreement of the graders, probes of the graders, recomputation of stored scores."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
