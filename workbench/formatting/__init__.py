"""Numbers, marked texts and errors, as the command line and the app show them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
