"""The bundled model: a Gemma 3 of under a million parameters, and the script that trains it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
