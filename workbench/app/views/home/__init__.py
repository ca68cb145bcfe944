"""Parts of the Overview: its runs, and what fills an absent or empty store."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
