"""Each token of a completion: its log-probability, the entropy there, and its KL divergence.

The program is that of GRPO's loss. KL is that loss's estimate at a token (k3), of the model from a
reference. Beside them stand the sampler's log-probabilities, where it writes the same text once
more: the same weights, other programs. Its tokens are scored then; else those of the text.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from data.errors import UserError
from pipeline.batches import padded_left, padded_right
from pipeline.generate import Completion, Request, engine_of, in_order
from pipeline.loss import DIFFERENT, kl_divergence, scores_of
from pipeline.model import Tokenizer

ROUNDED = 64  # lengths are rounded up to a multiple of this, so that few programs are compiled
MOST_TOKENS = 8_192  # of a completion that are scored, from its start


@dataclass(frozen=True, kw_only=True)
class ScoredToken:
    """A token, with its share of the text; numbers in nats, None where they are unknown.

    kl:      of the model from the reference, as GRPO's loss estimates it at this token
    sampled: log-probability as the sampler computes it
    """

    token: int
    text: str
    logp: float
    entropy: float
    kl: float | None = None
    sampled: float | None = None


@dataclass(frozen=True, kw_only=True)
class Completed:
    """What is scored. ends: whether the model ended the text itself, so that its stop counts

    request: by which the sampler wrote it; None: unknown
    """

    prompt: str
    text: str
    ends: bool
    temperature: float = 1.0
    request: Request | None = None


def scored_tokens(
    model: nnx.Module,
    tokenizer: Tokenizer,
    completed: Completed,
    reference: nnx.Module | None = None,
) -> dict[str, Any]:
    """tokens, tokens_left_out; sampler: None, or how far its log-probabilities are from these."""
    again = _written_again(model, tokenizer, completed)
    same = again if again is not None and again.text == completed.text else None
    if same is not None:
        ids = same.ids.tolist()
        pieces = _pieces_of(tokenizer, ids[: -1 if same.finish == "stop" else None], same.text)
    else:
        ids, pieces = _encoded(tokenizer, completed.text)
        ids += [tokenizer.turn_end()] * completed.ends
    if not ids:
        raise UserError("the completion has no tokens; expected a text. Choose another one.")
    scored = ids[:MOST_TOKENS]
    scores = _scores(model, tokenizer, completed, scored)
    columns = {
        "token": scored,
        "text": [*pieces, ""],
        "logp": np.asarray(scores.logp)[0].tolist(),
        "entropy": np.asarray(scores.entropy)[0].tolist(),
    }
    if reference is not None:
        of_reference = _scores(reference, tokenizer, completed, scored).logp
        columns["kl"] = np.asarray(kl_divergence(scores.logp, of_reference))[0].tolist()
    if same is not None and same.logprobs is not None:
        columns["sampled"] = same.logprobs.tolist()
    tokens = [
        asdict(ScoredToken(**dict(zip(columns, row, strict=True))))
        for row in zip(*columns.values(), strict=False)  # scores are padded
    ]
    return {
        "tokens": tokens,
        "tokens_left_out": len(ids) - len(scored),
        "sampler": None if again is None else _mismatch(tokens, same is not None),
    }


def _written_again(
    model: nnx.Module, tokenizer: Tokenizer, completed: Completed
) -> Completion | None:
    if completed.request is None:
        return None
    engine = engine_of(model, tokenizer, completed.request.sampling, 1)
    [again] = in_order(engine.generate, [completed.request])
    return again


def _encoded(tokenizer: Tokenizer, text: str) -> tuple[list[int], list[str]]:
    """The ids of a text, and the part of it that each stands for."""
    encoded = tokenizer.hf(
        text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )
    return list(encoded["input_ids"]), _pieces(text, [end for _, end in encoded["offset_mapping"]])


def _pieces_of(tokenizer: Tokenizer, ids: list[int], text: str) -> list[str]:
    """The part of `text` that each of the ids it was written by stands for."""
    ends = [
        _common(tokenizer.decode(ids[: n + 1]), text) for n in range(min(len(ids), MOST_TOKENS))
    ]
    return _pieces(text, ends)


def _common(decoded: str, text: str) -> int:
    """How many characters both begin with; one of several tokens is another until its last."""
    if text.startswith(decoded):
        return len(decoded)
    pairs = enumerate(zip(decoded, text, strict=False))
    return next((n for n, (one, other) in pairs if one != other), min(len(decoded), len(text)))


def _pieces(text: str, ends: Sequence[int]) -> list[str]:
    """The text between consecutive ends; several tokens may share one character."""
    pieces, start = [], 0
    for end in ends:
        pieces.append(text[start:end])
        start = max(start, end)
    return pieces


def _mismatch(tokens: list[dict[str, Any]], is_same: bool) -> dict[str, Any]:
    """same: whether the sampler wrote the same text; and how far its log-probabilities are.

    kl: mean k3 of KL(sampler || trainer) at a token    different: share of tokens by more than 5 %
    largest: difference [nats]
    """
    if not is_same:
        return {"same": False, "kl": None, "different": None, "largest": None}
    difference = np.array([token["logp"] - token["sampled"] for token in tokens])
    ratio = np.exp(difference)
    return {
        "same": True,
        "kl": float(np.mean(ratio - 1 - difference)),
        "different": float(np.mean(np.abs(ratio - 1) > DIFFERENT)),
        "largest": float(np.abs(difference).max()),
    }


def _scores(model: nnx.Module, tokenizer: Tokenizer, completed: Completed, ids: list[int]) -> Any:
    prompt = tokenizer.encode(completed.prompt)
    pad = tokenizer.pad_id()
    return scores_of(
        model,
        jnp.array(padded_left([prompt], _rounded(len(prompt)), pad)),
        jnp.array(padded_right([ids], _rounded(len(ids)), pad)),
        pad=pad,
        temperature=completed.temperature,
    )


def _rounded(length: int) -> int:
    return -(-length // ROUNDED) * ROUNDED
