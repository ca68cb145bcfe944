"""Files of a store: written under .staging, synced, then renamed, and never changed."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
