from .agreement import grader_named as grader_named, quality_of as quality_of
from .blind_sample import label as label, sample_to_label as sample_to_label
from .prompt import Question as Question, refuse_ranking as refuse_ranking
from .rubric import PREFIX as PREFIX, Rubric as Rubric
from .stored import (
    add_rubric as add_rubric,
    judges as judges,
    rubric_of as rubric_of,
    versions_of as versions_of,
)
from .verdicts import (
    Reply as Reply,
    by_hash as by_hash,
    questions_of as questions_of,
    stored_replies as stored_replies,
    verdict_rows as verdict_rows,
)
