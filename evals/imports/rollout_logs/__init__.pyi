from .chat_turns import prompt_and_completion as prompt_and_completion
from .import_log import import_rollouts as import_rollouts
from .records import (
    ANSWERS as ANSWERS,
    HELD_OUT as HELD_OUT,
    LENGTH as LENGTH,
    STOP as STOP,
    TRAIN as TRAIN,
    Decode as Decode,
    LogFile as LogFile,
    LoggedRollout as LoggedRollout,
    Part as Part,
    gold_in as gold_in,
    number as number,
    part_value as part_value,
    question_in as question_in,
    required_text as required_text,
    step_in_name as step_in_name,
    value_of_all as value_of_all,
    whole_number as whole_number,
)
from .tokens import decoder as decoder
