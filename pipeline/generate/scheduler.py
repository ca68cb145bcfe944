"""Which request is next: requests with the same prompt together, prompts of one bucket together."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

BUCKETS = (1 / 4, 1 / 2, 1)  # of the longest prompt; each is compiled once, if it is ever needed


def buckets(longest: int) -> list[int]:
    """Lengths to which prompts are padded, in tokens, rising; the last takes `longest`."""
    eights = [-(-int(longest * share) // 8) * 8 for share in BUCKETS]
    return sorted({max(8, length) for length in eights})


@dataclass
class Prompt:
    """A prompt, the places of the requests that wait for it, and its row once it is read."""

    ids: list[int]
    bucket: int
    waiting: deque[int] = field(default_factory=deque)
    row: int = 0


@dataclass
class Queue:
    """Prompts that wait to be read, in the order in which they came; each with its requests."""

    prompts: deque[Prompt]

    @classmethod
    def of(cls, texts: Sequence[tuple[int, ...]], longest: int) -> "Queue":
        """texts: the prompt of each request, as ids; equal ones are read once."""
        sizes, found = buckets(longest), {}
        for place, ids in enumerate(texts):
            if ids not in found:
                bucket = next(size for size in sizes if size >= len(ids))
                found[ids] = Prompt(list(ids), bucket)
            found[ids].waiting.append(place)
        return cls(deque(found.values()))

    def take(self, most: int) -> list[Prompt]:
        """The first prompt and others of its bucket, up to `most`.

        A prompt is padded to its own bucket whoever is beside it: else its neighbours would decide
        in which order its sums are made.
        """
        if not self.prompts:
            return []
        bucket = self.prompts[0].bucket
        taken = [prompt for prompt in self.prompts if prompt.bucket == bucket][:most]
        chosen = {id(prompt) for prompt in taken}
        self.prompts = deque(p for p in self.prompts if id(p) not in chosen)
        return taken
