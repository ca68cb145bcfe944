"""Guards over training: signs of collapse, what to do at them, and past runs looked at again."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
