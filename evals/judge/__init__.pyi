from .agreement import grader_named as grader_named, quality_of as quality_of
from .blind_sample import label as label, sample_to_label as sample_to_label
from .pairs import (
    pair_rows as pair_rows,
    pairs_of as pairs_of,
    questions_of_pairs as questions_of_pairs,
    result_of_pairs as result_of_pairs,
)
from .prompt import (
    Question as Question,
    prompt_of as prompt_of,
    prompt_of_group as prompt_of_group,
    refuse_ranking as refuse_ranking,
)
from .reply import judgement_of as judgement_of, ranking_of as ranking_of
from .rubric import PREFIX as PREFIX, RANK as RANK, Rubric as Rubric
from .server_url import checked_url as checked_url
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
    texts_of as texts_of,
    verdict_rows as verdict_rows,
)
