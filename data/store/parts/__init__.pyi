from .contents import Part as Part, content as content, described as described, footer as footer
from .names import (
    FOLDERS as FOLDERS,
    NAME as NAME,
    PAIR as PAIR,
    checked_name as checked_name,
    folder_of as folder_of,
    may_come_again as may_come_again,
    run_of as run_of,
)
from .registry import changes_of as changes_of, live as live, touch as touch
from .scanning import scan as scan, scanned as scanned
