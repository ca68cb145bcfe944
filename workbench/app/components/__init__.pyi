from .keyboard import PAGE as PAGE
from .sankey import flow as flow
from .text import ends as ends, plain as plain, plain_columns as plain_columns
