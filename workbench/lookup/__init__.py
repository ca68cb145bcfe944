"""What the arguments of a command or a page refer to: store, model, runs, preset, ids."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
