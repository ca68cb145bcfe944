from .generations import (
    AS_STARTED as AS_STARTED,
    CONVERTER_OF as CONVERTER_OF,
    NoSuchGeneration as NoSuchGeneration,
    back as back,
    converters_read as converters_read,
    of_run as of_run,
)
from .sources import of_record as of_record, of_source as of_source
from .step import UNKNOWN as UNKNOWN, Step as Step, readable as readable
from .subsets import of_subset as of_subset
