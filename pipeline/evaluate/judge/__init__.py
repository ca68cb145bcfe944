"""Asking a judge: its model behind a server or here, each request once, each reply stored."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
