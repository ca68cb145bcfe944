"""A served model as a `Generate`: prompts and a seed in, completions in their order out."""

from collections.abc import Sequence

import numpy as np

from pipeline.rollout import Completion, Generate, Sampling
from pipeline.seeds import seed_of
from pipeline.served.answers import LeftOut
from pipeline.served.client import Server, complete
from pipeline.served.errors import ServerError
from pipeline.served.requests import Request

UNKNOWN = -1  # a token that was counted, but not told


def generator(server: Server, sampling: Sampling) -> Generate:
    """A function that asks `server`. Each prompt is the user's turn, without a chat template.

    The ids of a completion are as many as the server counted, all UNKNOWN: none can be trained on.
    It raises ServerError where one prompt stays without an answer, or its tokens are not counted.
    """

    def generate(prompts: Sequence[str], seed: int) -> list[Completion]:
        requests = [
            Request(
                problem_id=str(place),
                sample=0,
                messages=[{"role": "user", "content": prompt}],
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                top_k=sampling.top_k,
                max_tokens=sampling.max_tokens,
                seed=seed_of(seed, place, prompt),
            )
            for place, prompt in enumerate(prompts)
        ]
        found: dict[int, Completion] = {}
        for outcome in complete(requests, server):
            if isinstance(outcome, LeftOut) or outcome.tokens is None or outcome.finish is None:
                missing = outcome.reason if isinstance(outcome, LeftOut) else "no usage or finish"
                raise ServerError(
                    f"{server.url} gave no whole completion of prompt {outcome.request.problem_id}:"
                    f" {missing}. Evaluate it with thinkbench eval --served, which counts these."
                )
            ids = np.full(outcome.tokens, UNKNOWN, dtype=np.int32)
            place = int(outcome.request.problem_id)
            found[place] = Completion(outcome.text, ids, outcome.finish)
        return [found[place] for place in range(len(prompts))]

    return generate
