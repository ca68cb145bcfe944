"""Many rows converted: as rows of the store's tables, their counts, and a file without a store."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
