from .errors import explained as explained
from .titles import begin_window as begin_window, name_window as name_window
