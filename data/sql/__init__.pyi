from .names import columns_by_name as columns_by_name
from .read_only import answer_query as answer_query
