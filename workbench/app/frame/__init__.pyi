from .errors import explained as explained
from .judge import READS as READS, judge_caption as judge_caption
from .pages import pages_of_app as pages_of_app
from .sidebar import draw_sidebar as draw_sidebar
from .titles import begin_window as begin_window, name_window as name_window
