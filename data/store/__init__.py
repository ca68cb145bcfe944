"""The store: Parquet parts, SQLite state and the DuckDB questions over both."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
