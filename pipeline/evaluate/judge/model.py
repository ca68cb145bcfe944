"""The model that a rubric names: behind a server."""

import os
from collections.abc import Callable, Iterable

from data.errors import UserError
from evals.judge import Question, Rubric, checked_url
from pipeline.evaluate import Answer, Unanswered
from pipeline.evaluate.served import (
    Request,
    ServedConfig,
    Server,
    check_reachable,
    complete,
)

Questions = list[tuple[str, Question]]  # request id and question
ShouldStop = Callable[[], bool]
# Answers questions in any order; the outcome's request has the id of the question as problem_id.
CompleteQuestions = Callable[[Questions, ShouldStop], Iterable[Answer | Unanswered]]


def model_of(rubric: Rubric) -> CompleteQuestions:
    """A function that asks the model of `rubric`; UserError where its server cannot be reached."""
    server = server_of(rubric)
    check_reachable(server)

    def ask(questions: Questions, should_stop: ShouldStop) -> Iterable[Answer | Unanswered]:
        return complete((_request(rubric, *one) for one in questions), server, should_stop)

    return ask


def server_of(rubric: Rubric) -> Server:
    """Where the model is served, by the rubric and the environment variables that it names."""
    url = rubric.url or _environment(rubric, "url_env", "the base URL of a server")
    key = _environment(rubric, "api_key_env", "the server's API key") if rubric.api_key_env else ""
    config = ServedConfig(
        concurrency=rubric.concurrency,
        timeout=rubric.timeout,
        retries=rubric.retries,
        limit_field=rubric.limit_field,
    )
    return Server(checked_url(url), rubric.model, key, config)


def _environment(rubric: Rubric, field: str, meaning: str) -> str:
    variable = getattr(rubric, field)
    if not os.environ.get(variable):
        raise UserError(
            f"the environment variable that {field} of {rubric.grader} names is not set, or empty;"
            f" expected {meaning}. Set it."
        )
    return os.environ[variable]


def _request(rubric: Rubric, request: str, question: Question) -> Request:
    return Request(
        problem_id=request,
        sample=0,
        messages=[{"role": "user", "content": question.prompt}],
        temperature=rubric.temperature,
        top_p=1.0,
        top_k=0,
        max_tokens=rubric.max_tokens,
        seed=rubric.seed,
    )
