"""The tiny model's tokenizer: bytes merged into words of this project; each digit is a token."""

import random
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from data.response_format import INSTRUCTION, render
from data.sources.samples import word_problems

VOCABULARY = 640
# Gemma 3's ids of these: 0 to 3, 105 and 106; the ids in between are unused there as well
SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>", *(f"<unused{n}>" for n in range(101))]
SPECIAL += ["<start_of_turn>", "<end_of_turn>"]
PIECES = r"</?[a-z]+>|\d|\s?[A-Za-z]+|[^A-Za-z\d]"
TEMPLATE = (
    "{{ bos_token }}"
    "{% if messages[0]['role'] == 'system' %}"
    "{% set first = messages[0]['content'] + '\n\n' %}{% set turns = messages[1:] %}"
    "{% else %}{% set first = '' %}{% set turns = messages %}{% endif %}"
    "{% for turn in turns %}"
    "<start_of_turn>{{ 'model' if turn['role'] == 'assistant' else turn['role'] }}\n"
    "{{ (first if loop.first else '') + turn['content'] }}<end_of_turn>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)


def corpus(seed: int) -> Iterator[str]:
    """Texts to train the tokenizer on."""
    rng = random.Random(seed)
    for _ in range(4_000):
        problem = word_problems.problem(rng, rng.randint(1, 4))
        yield INSTRUCTION
        yield problem.question
        yield f"{word_problems.terse(problem)} The answer is {problem.gold}."
        yield render(word_problems.careful(problem), problem.gold)
        yield "Return your final response within \\boxed{}. "


def build(folder: Path, seed: int = 0) -> PreTrainedTokenizerFast:
    """Train the tokenizer and write its files to `folder`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(seed), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="<eos>",
        bos_token="<bos>",
        unk_token="<unk>",
        chat_template=TEMPLATE,
    )
    fast.save_pretrained(folder)
    return fast
