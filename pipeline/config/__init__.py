"""All knobs of a run: default, unit and meaning of each; what checks them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
