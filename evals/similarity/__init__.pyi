from .clusters import clusters_of as clusters_of
from .nearest import more_like as more_like, search as search
from .static_model import embed as embed
from .vectors import embed_missing as embed_missing
