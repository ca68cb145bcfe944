"""Notations: LaTeX and Markdown, repeating decimals, numerals of a base, times of day."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
