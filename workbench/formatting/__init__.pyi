from .error_messages import BAD_INPUT as BAD_INPUT, error_message as error_message
from .marks import EDGE as EDGE, PICTURES as PICTURES, on_page as on_page, visible as visible
from .numbers import (
    change as change,
    duration as duration,
    interval as interval,
    p_value as p_value,
    points as points,
)
from .trials import trial_verdict as trial_verdict
