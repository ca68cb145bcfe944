"""Models in the memory of this process, and their answers. Loads jax."""

import gc
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.store import Store, state
from pipeline.config import ModelConfig
from pipeline.preflight import bytes_free
from pipeline.presets import load_preset, preset_names
from workbench.formatting import error_message
from workbench.lookup import starting_model
from workbench.playground.question import ANSWERING, DONE, FAILED, LOADING, Event, Question

LONGEST_PROMPT = 8192  # [tokens]
PROMPT_STEP = 128  # [tokens] by which an engine's room for a prompt grows
SHARE = 0.5  # of the memory that is free, for one more model's weights
# what a model may fail with; anything else is a bug
FAILURES = (UserError, OSError, RuntimeError, MemoryError, ModuleNotFoundError)
DEVICES = ("fsdp", "tensor_parallel", "chip", "model")  # knobs of another machine, and the name


@dataclass(frozen=True)
class InMemory:
    """A loaded model: `gemma3.Loaded`, and its tokenizer."""

    loaded: Any
    tokenizer: Any


class LocalModels:
    """The models of a store; those asked last stay loaded as long as memory allows."""

    def __init__(self, store: Store, config: ModelConfig | None = None) -> None:
        """config: how each is loaded; None: as the run, or the preset, that has it loads it"""
        self.store, self.config = store, config
        self._in_memory: OrderedDict[Path, InMemory] = OrderedDict()

    def answers(self, question: Question, should_stop: Callable[[], bool]) -> Iterator[Event]:
        """The events of all models: as many as fit into memory answer side by side."""
        waiting = deque(enumerate(question.models))
        while waiting and not should_stop():
            streams: list[Iterator[Event]] = []
            in_use: list[Path] = []
            while waiting and (not in_use or self._fits(waiting[0][1], in_use)):
                index, name = waiting.popleft()
                yield Event(model=index, state=LOADING)
                try:
                    folder, config = self._folder(name)
                    in_use.append(folder)
                    model = self._loaded(folder, config, in_use)
                    streams.append(_stream(index, model, question, should_stop))
                except FAILURES as error:
                    yield _failed(index, error)
            yield from _in_turns(streams)

    def _folder(self, name: str) -> tuple[Path, ModelConfig]:
        """The folder of a model, and how it is loaded: as its run, or its preset, loads it."""
        from pipeline.model import model_folder

        start = starting_model(self.store, name)
        config = self.config or model_config_of(self.store, start.model, start.run)
        return model_folder(start.model), config

    def _fits(self, name: str, in_use: list[Path]) -> bool:
        """Whether one more model fits beside those in use; those that are not make room."""
        try:
            folder, config = self._folder(name)
        except (UserError, OSError):
            return True  # its error is shown when its turn comes
        if folder in self._in_memory:
            return True
        self._make_room(folder, config, in_use)
        return _bytes_of(folder, config) <= SHARE * bytes_free()

    def _make_room(self, folder: Path, config: ModelConfig, in_use: list[Path]) -> None:
        """Forget models that are not in use, the one asked longest ago first."""
        for other in [path for path in self._in_memory if path not in in_use]:
            if _bytes_of(folder, config) <= SHARE * bytes_free():
                return
            del self._in_memory[other]
            gc.collect()

    def _loaded(self, folder: Path, config: ModelConfig, in_use: list[Path]) -> InMemory:
        from pipeline.job import load_model
        from pipeline.model import Tokenizer

        if folder not in self._in_memory:
            self._make_room(folder, config, in_use)
            self._in_memory[folder] = InMemory(load_model(config, folder), Tokenizer(folder))
        self._in_memory.move_to_end(folder)
        return self._in_memory[folder]


def _stream(
    index: int, model: InMemory, question: Question, should_stop: Callable[[], bool]
) -> Iterator[Event]:
    """The events of one model. An error is an event, so that the others go on."""
    from pipeline.generate import Request, engine_of, seed_of
    from pipeline.job import sampling_of
    from pipeline.model import prompt_text

    config = question.config
    try:
        prompt = prompt_text(model.tokenizer, question.text)
        room = _room(model, prompt, config.max_prompt_tokens)
        sampling = replace(sampling_of(config), max_prompt_tokens=room)
        engine = engine_of(model.loaded.model, model.tokenizer, sampling, config.samples)
        seeds = [
            seed_of(config.seed, sample, question.problem_id) for sample in range(config.samples)
        ]
        requests = [Request(prompt=prompt, sampling=sampling, seed=seed) for seed in seeds]
        for sample, completion in engine.stream(requests, should_stop):
            yield Event(
                model=index,
                state=ANSWERING,
                sample=sample,
                text=completion.text,
                tokens=len(completion.ids),
                finish=completion.finish,
                seed=seeds[sample],
            )
        yield Event(model=index, state=DONE)
    except FAILURES as error:
        yield _failed(index, error)


def _room(model: InMemory, prompt: str, least: int) -> int:
    """Room for the prompt in an engine, so that few questions need one of their own [tokens]."""
    length = len(model.tokenizer.encode(prompt))
    if length > LONGEST_PROMPT:
        raise UserError(f"the prompt has {length:,} tokens; expected at most {LONGEST_PROMPT:,}")
    return least if length <= least else -(-length // PROMPT_STEP) * PROMPT_STEP


def _failed(index: int, error: Exception) -> Event:
    words = error_message(error) or f"{type(error).__name__}: {error}"
    return Event(model=index, state=FAILED, error=words.removeprefix("Error: ").strip()[:2_000])


def _in_turns(streams: list[Iterator[Event]]) -> Iterator[Event]:
    """One event of each stream after the other, until all have ended."""
    turns = deque(streams)
    try:
        while turns:
            stream = turns.popleft()
            if (event := next(stream, None)) is not None:
                yield event
                turns.append(stream)
    finally:
        for stream in streams:
            with closing(stream):  # type: ignore[type-var]
                pass


def model_config_of(store: Store, model: str, run: str | None) -> ModelConfig:
    """How the run that made the model loaded it; of another model, as a preset does."""
    if run is not None:
        config = (state(store, run) or {}).get("config") or {}
        names = {f.name for f in fields(ModelConfig)} - set(DEVICES)
        return ModelConfig(**{name: config[name] for name in names & config.keys()})
    presets = (load_preset(name).model for name in preset_names())
    of_preset = next((one for one in presets if one.model == model), None)
    if of_preset is None:
        return ModelConfig()
    knobs = {f.name: getattr(of_preset, f.name) for f in fields(ModelConfig)}
    return ModelConfig(**{name: value for name, value in knobs.items() if name not in DEVICES})


def _bytes_of(folder: Path, config: ModelConfig) -> int:
    """Memory of the weights in the precision of `config`: hubs have two bytes for each number."""
    stored = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    return stored * (2 if config.dtype == "float32" else 1)
