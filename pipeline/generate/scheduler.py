"""The queue of requests: those with equal prompts together, prompts of one bucket together."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

BUCKETS = (1 / 4, 1 / 2, 1)  # of the longest prompt; each is compiled once, when first needed


def buckets(longest: int) -> list[int]:
    """Lengths to which prompts are padded [tokens], ascending; the last holds `longest`."""
    eights = [-(-int(longest * share) // 8) * 8 for share in BUCKETS]
    return sorted({max(8, length) for length in eights})


@dataclass
class Prompt:
    """A prompt, the indices of its waiting requests, and its row after prefill."""

    ids: list[int]
    bucket: int
    waiting: deque[int] = field(default_factory=deque)
    expected: int = 0  # tokens of the longest completion, if known
    row: int = 0


@dataclass
class Queue:
    """Prompts that wait for prefill: those that may take longest first, else in order."""

    prompts: deque[Prompt]

    @classmethod
    def of(cls, texts: Sequence[tuple[int, ...]], expected: Sequence[int], longest: int) -> "Queue":
        """texts:    the prompt of each request, as ids; equal prompts are read once
        expected: tokens that the completion of each may have, 0: unknown
        longest:  tokens of the longest prompt
        """
        sizes, prompts = buckets(longest), {}
        for index, ids in enumerate(texts):
            if ids not in prompts:
                bucket = next(size for size in sizes if size >= len(ids))
                prompts[ids] = Prompt(list(ids), bucket)
            prompts[ids].waiting.append(index)
            prompts[ids].expected = max(prompts[ids].expected, expected[index])
        return cls(deque(sorted(prompts.values(), key=lambda prompt: -prompt.expected)))

    def take(self, most: int) -> list[Prompt]:
        """The first prompt and others of its bucket, up to `most`.

        A prompt is always padded to its own bucket: otherwise the other prompts of the batch would
        determine the order of its sums.
        """
        if not self.prompts:
            return []
        bucket = self.prompts[0].bucket
        batch = [prompt for prompt in self.prompts if prompt.bucket == bucket][:most]
        in_batch = {id(prompt) for prompt in batch}
        self.prompts = deque(p for p in self.prompts if id(p) not in in_batch)
        return batch
