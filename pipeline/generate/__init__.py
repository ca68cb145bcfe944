"""Generation: an engine with continuous batching, sampling, and completions of prompts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
