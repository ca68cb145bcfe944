from .expressions import OPERATORS as OPERATORS, quantities as quantities
from .number import (
    CALCULATION as CALCULATION,
    EXPRESSION as EXPRESSION,
    FUNCTION as FUNCTION,
    MAY_BE_DASH as MAY_BE_DASH,
    NO_VALUE as NO_VALUE,
    NUMBER_WORD as NUMBER_WORD,
    OTHER_SCALE as OTHER_SCALE,
    RATIO as RATIO,
    SEVERAL_NUMBERS as SEVERAL_NUMBERS,
    VARIABLE as VARIABLE,
    at as at,
    number_at as number_at,
)
from .quantity import Quantity as Quantity
from .units import Unit as Unit, end_of_unit as end_of_unit, ratios as ratios, unit_of as unit_of
