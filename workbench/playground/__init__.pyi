from .asking import (
    Asking as Asking,
    Choice as Choice,
    answered as answered,
    served_choice as served_choice,
)
from .generations import keep_answers as keep_answers
from .question import (
    Event as Event,
    Question as Question,
    new_question as new_question,
    stored_question as stored_question,
)
