"""Text to token ids and back: prompts, training examples, stop tokens.

All of it uses the tokenizer in the model's own folder. Tunix's adapter would append `<eos>` to
prompts and drop turns from chats.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from data.errors import UserError
from data.response_format import render, user_turn
from pipeline.model.hub import TEMPLATE, TINY

TURNS = TINY / TEMPLATE  # Gemma's
STOP_TOKENS = ("<eos>", "<end_of_turn>")
SPECIAL_TOKENS = ("<pad>", "<bos>", *STOP_TOKENS)


@dataclass(frozen=True)
class Tokens:
    """One training example. completion is true at the tokens of reasoning and answer, and the stop.

    ids:        [time]  int32
    completion: [time]  bool
    """

    ids: np.ndarray
    completion: np.ndarray


class Tokenizer:
    """The folder's tokenizer with the five methods that Tunix needs; adds no special tokens."""

    def __init__(self, folder: Path) -> None:
        self.hf: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
        if self.hf.chat_template is None:  # a base model
            self.hf.chat_template = TURNS.read_text(encoding="utf-8")
        vocabulary = self.hf.get_vocab()
        missing = [token for token in SPECIAL_TOKENS if token not in vocabulary]
        if missing:
            raise UserError(f"the tokenizer of {folder} lacks Gemma's {', '.join(missing)}")
        self._id: dict[str, int] = {token: vocabulary[token] for token in SPECIAL_TOKENS}

    def encode(self, text: str) -> list[int]:
        return self.hf.encode(text, add_special_tokens=False)

    def decode(self, ids: Iterable[int]) -> str:
        # special tokens stay visible: a leaked <start_of_turn> is an error of the text
        return str(self.hf.decode(list(ids), skip_special_tokens=False))

    def bos_id(self) -> int:
        return self._id["<bos>"]

    def eos_id(self) -> int:
        return self._id["<eos>"]

    def pad_id(self) -> int:
        return self._id["<pad>"]

    def stop_ids(self) -> list[int]:
        """<eos> and <end_of_turn>: Gemma ends a text or a turn with them; both end a completion."""
        return [self._id[token] for token in STOP_TOKENS]

    def turn_end(self) -> int:
        return self._id["<end_of_turn>"]


def prompt_text(tokenizer: Tokenizer, question: str) -> str:
    """The whole text before the completion: instruction and question in one user turn."""
    turn = [{"role": "user", "content": user_turn(question)}]
    return str(tokenizer.hf.apply_chat_template(turn, tokenize=False, add_generation_prompt=True))


def example_tokens(tokenizer: Tokenizer, prompt: str, reasoning: str, answer: str) -> Tokens:
    """One SFT example: the prompt, then the completion and its stop token."""
    before = tokenizer.encode(prompt_text(tokenizer, prompt))
    after = [*tokenizer.encode(render(reasoning, answer)), tokenizer.turn_end()]
    return Tokens(
        ids=np.array(before + after, dtype=np.int32),
        completion=np.arange(len(before) + len(after)) >= len(before),
    )


def padded(rows: list[Tokens], length: int, pad: int) -> dict[str, np.ndarray]:
    """A batch, padded on the right.

    ids:        [batch, time]  int32
    completion: [batch, time]  bool
    """
    ids = np.full((len(rows), length), pad, dtype=np.int32)
    completion = np.zeros((len(rows), length), dtype=bool)
    for number, row in enumerate(rows):
        ids[number, : len(row.ids)] = row.ids
        completion[number, : len(row.ids)] = row.completion
    return {"ids": ids, "completion": completion}
