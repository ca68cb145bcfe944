"""Import of generations from files of other tools: JSONL, lm-eval, Inspect AI."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
