from .fields import (
    COUNTED as COUNTED,
    FIELDS as FIELDS,
    SHOWN as SHOWN,
    last_tokenizer as last_tokenizer,
    record_table as record_table,
)
from .filter_language import (
    LONGEST as LONGEST,
    Field as Field,
    FilterError as FilterError,
    condition as condition,
    named_fields as named_fields,
)
from .recipe import (
    DUPLICATES as DUPLICATES,
    KINDS as KINDS,
    OF_TEXTS as OF_TEXTS,
    Recipe as Recipe,
    of_json as of_json,
    to_json as to_json,
)
from .select import Choice as Choice, NoSuchValue as NoSuchValue, Step as Step, Table as Table
from .versions import (
    UNKNOWN_CONVERTER as UNKNOWN_CONVERTER,
    NoSuchSubset as NoSuchSubset,
    Subset as Subset,
    SubsetVersion as SubsetVersion,
    converters_of as converters_of,
    difference as difference,
    subset as subset,
    subsets as subsets,
)
