"""A served model behind the engine's interface: requests in, completions out as they finish."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from data.errors import UserError
from pipeline.evaluate import Answer, Unanswered
from pipeline.evaluate.served import requests as served
from pipeline.evaluate.served.client import complete
from pipeline.evaluate.served.server import Server
from pipeline.generate import Completion, Finished, GenerateRequests, Request, never

UNKNOWN = -1  # stands for a token whose id the server did not send


def generator(server: Server) -> GenerateRequests:
    """A function that has `server` continue each prompt, which is the whole text before.

    A completion has as many ids as the server counted tokens, all UNKNOWN, so it cannot be used
    for training. Raises UserError if a prompt stays unanswered or its tokens are not counted.
    """

    def generate(
        requests: Sequence[Request], should_stop: Callable[[], bool] = never
    ) -> Iterator[Finished]:
        prompts = [_request(position, request) for position, request in enumerate(requests)]
        for outcome in complete(prompts, server, should_stop):
            position = outcome.request.problem_id
            if isinstance(outcome, Unanswered) or outcome.tokens is None or outcome.finish is None:
                is_answer = isinstance(outcome, Answer)
                reason = "no usage or finish" if is_answer else outcome.reason
                raise UserError(
                    f"{server.url} sent no complete answer to prompt {position}: {reason}."
                    " Evaluate it with thinkbench eval --served, which counts these."
                )
            ids = np.full(outcome.tokens, UNKNOWN, dtype=np.int32)
            yield int(position), Completion(outcome.text, ids, outcome.finish)

    return generate


def _request(position: int, request: Request) -> served.Request:
    sampling = request.sampling
    if sampling.min_p or request.logprobs:
        raise UserError("min_p and logprobs are not supported for a served model; leave them out")
    return served.Request(
        problem_id=str(position),
        sample=0,
        messages=[],
        prompt=request.prompt,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        max_tokens=sampling.max_tokens,
        seed=request.seed,
    )
