from .categories import CATEGORIES as CATEGORIES, SUSPECT as SUSPECT, VERSION as VERSION
from .counts import categorise as categorise, categorised as categorised
