from .command import (
    Answer as Answer,
    chosen_folder as chosen_folder,
    frozen_store as frozen_store,
    store_option as store_option,
    verb as verb,
    verb_group as verb_group,
)
from .knob_flags import flag as flag, flagged as flagged
from .options import (
    GRADERS as GRADERS,
    JUDGE as JUDGE,
    SHAPES as SHAPES,
    Duration as Duration,
    FilePath as FilePath,
    Folder as Folder,
    GraderName as GraderName,
    Size as Size,
    api_key as api_key,
    author_option as author_option,
    column_option as column_option,
    fitting_grader_option as fitting_grader_option,
    grader_option as grader_option,
    limit_option as limit_option,
    not_empty as not_empty,
    reason_option as reason_option,
)
from .output_file import json_lines as json_lines, rows_file as rows_file
from .progress import bars as bars
from .progress_lines import announce as announce
