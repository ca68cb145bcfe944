"""Models behind a server that speaks OpenAI's chat completions. Needs no training package."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
