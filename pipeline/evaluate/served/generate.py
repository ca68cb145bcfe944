"""A served model behind the engine's function: requests in, completions out as they finish."""

from collections.abc import Iterator, Sequence

import numpy as np

from data.errors import UserError
from pipeline.evaluate.served.answers import LeftOut
from pipeline.evaluate.served.client import Server, complete
from pipeline.evaluate.served.requests import Request
from pipeline.generate import Completion, Finished, GenerateRequests, Request as Wanted

UNKNOWN = -1  # a token that was counted, but not told


def generator(server: Server) -> GenerateRequests:
    """A function that asks `server` to go on with each prompt, which is the whole text before.

    The ids of a completion are as many as the server counted, all UNKNOWN: none can be trained on.
    It raises UserError where one prompt stays without an answer, or its tokens are not counted.
    """

    def generate(requests: Sequence[Wanted]) -> Iterator[Finished]:
        asked = [_asked(place, request) for place, request in enumerate(requests)]
        for outcome in complete(asked, server):
            if isinstance(outcome, LeftOut) or outcome.tokens is None or outcome.finish is None:
                missing = outcome.reason if isinstance(outcome, LeftOut) else "no usage or finish"
                raise UserError(
                    f"{server.url} gave no whole completion of prompt {outcome.request.problem_id}:"
                    f" {missing}. Evaluate it with thinkbench eval --served, which counts these."
                )
            ids = np.full(outcome.tokens, UNKNOWN, dtype=np.int32)
            yield int(outcome.request.problem_id), Completion(outcome.text, ids, outcome.finish)

    return generate


def _asked(place: int, request: Wanted) -> Request:
    sampling = request.sampling
    if sampling.min_p or request.logprobs:
        raise UserError("a server is asked for neither min_p nor logprobs; leave them out")
    return Request(
        problem_id=str(place),
        sample=0,
        messages=[],
        prompt=request.prompt,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        max_tokens=sampling.max_tokens,
        seed=request.seed,
    )
