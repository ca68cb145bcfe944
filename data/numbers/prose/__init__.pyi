from .last import LastQuantity as LastQuantity, last_quantity as last_quantity
from .retractions import (
    is_answered_by_no as is_answered_by_no,
    is_denied as is_denied,
    is_denied_number as is_denied_number,
    is_retracted as is_retracted,
)
