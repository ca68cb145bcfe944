"""What stands around every page: its title, errors as pages, the sidebar, the keys."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
