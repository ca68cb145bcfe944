"""Seeds of samples: each its own, and the same wherever a sample is made again."""

import hashlib


def seed_of(seed: int, sample: int, first: str) -> int:
    """The seed of sample number `sample` of the problems that begin with `first`, below 2**31."""
    digest = hashlib.sha256(f"{seed} {sample} {first}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
