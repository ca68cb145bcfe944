from .collapse import CHECKS as CHECKS, WINDOW as WINDOW, signs as signs
from .guard import Collapsing as Collapsing, Guard as Guard, GuardState as GuardState
from .past_guards import past_signs as past_signs
