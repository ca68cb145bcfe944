from .asking import (
    Asking as Asking,
    Choice as Choice,
    ModelAnswers as ModelAnswers,
    answered as answered,
    served_choice as served_choice,
)
from .connection import Workers as Workers
from .generations import keep_answers as keep_answers
from .question import (
    Event as Event,
    Question as Question,
    new_question as new_question,
    stored_question as stored_question,
)
from .tokens import (
    generation_row as generation_row,
    rollout_row as rollout_row,
    token_scores as token_scores,
)
