from .last import LastQuantity as LastQuantity, last_quantity as last_quantity
from .retractions import is_retracted as is_retracted
