"""Parts: immutable Parquet files, which the next reader registers in state.db.

The name of a part says when its rows count. `part-`: at once. `pair-`: texts and scores of the
same generations under one name; the texts count once the scores, which are renamed last, exist.
`merged-`: its metadata names the parts that it replaces, and all pairs whose scores it holds.
Parquet files of other names are no parts.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
