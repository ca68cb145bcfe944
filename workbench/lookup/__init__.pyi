from .evaluations import (
    USUAL_ORDER as USUAL_ORDER,
    finished as finished,
    recent_runs as recent_runs,
    usual as usual,
)
from .ids import forward as forward, traced as traced
from .stores import (
    existing_store as existing_store,
    latest as latest,
    start as start,
    trained_runs as trained_runs,
)
