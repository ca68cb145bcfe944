"""Files of a store: each is written under .staging, synced, then renamed, and never changed.

No other folder writes into a store's, state.db apart.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
