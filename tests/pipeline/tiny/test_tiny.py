"""The bundled model: small, a Gemma 3 as others read it, and able in prose but not in tags."""

import json

import pytest
from flax import nnx
from tunix.models.gemma3.model import Gemma3

from data.sources.samples import word_problems
from evals.graders.rules import GRADERS
from pipeline.generate import Sampling, completer
from pipeline.model import TINY, gemma3
from pipeline.model.tokenizer import Tokenizer, prompt_text
from pipeline.tiny import train_base

PROBLEMS = 100


@pytest.fixture(scope="module")
def answers():
    """(gold, greedy completion) of test problems of one to four steps in turn."""
    loaded = gemma3.load("tiny")
    tokenizer = Tokenizer(loaded.folder)
    problems = list(word_problems.problems(PROBLEMS, 77, "test"))
    prompts = [prompt_text(tokenizer, problem.question) for problem in problems]
    longest = max(len(tokenizer.encode(prompt)) for prompt in prompts)
    write = completer(
        loaded.model, tokenizer, Sampling(max_prompt_tokens=longest, max_tokens=96), slots=100
    )
    texts = [completion.text for completion in write(prompts, 0)]
    return [(problem.gold, text) for problem, text in zip(problems, texts, strict=True)]


def share(answers, grader, column):
    verdicts = [getattr(GRADERS[grader].grade(text, gold), column) for gold, text in answers]
    return sum(verdict is True for verdict in verdicts) / len(verdicts)


def test_the_folder_is_what_hugging_face_expects_and_small():
    names = {path.name for path in TINY.iterdir()}
    assert names >= {"config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"}
    assert sum(path.stat().st_size for path in TINY.iterdir()) <= 8_000_000


def test_the_configuration_is_a_gemma_3_with_local_and_global_layers():
    config = json.loads((TINY / "config.json").read_text())
    assert config["model_type"] == "gemma3_text"
    assert set(config["layer_types"]) == {"sliding_attention", "full_attention"}


def test_the_base_never_writes_the_tags(answers):
    assert share(answers, "strict", "format") <= 0.05


def test_the_base_answers_part_of_the_problems_in_prose(answers):
    assert 0.15 <= share(answers, "lenient", "correct") <= 0.8


def test_the_base_ends_its_answers(answers):
    assert all(text.rstrip().endswith(".") for _, text in answers)


def test_training_from_scratch_gives_every_matrix_a_scale():
    model = Gemma3(gemma3.architecture(TINY, "float32"), rngs=nnx.Rngs(0))

    def flat():
        state = nnx.to_flat_state(nnx.state(model, nnx.Param))
        return {path: float(w[...].std()) for path, w in state if w[...].ndim > 1}

    assert min(flat().values()) == 0  # as Tunix initialises it, the MLP outputs zero
    train_base.initialise(model, seed=0)
    assert min(flat().values()) > 0.01
