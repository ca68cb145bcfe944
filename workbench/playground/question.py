"""A question to several models, and the events by which their answers grow."""

import json
from dataclasses import asdict, dataclass, field

from data.errors import UserError
from data.store import Store, ask
from evals.imports import problem_id_of
from pipeline.config import EvalConfig, as_json

WAITING, LOADING, ANSWERING = "waiting", "loading", "answering"
DONE, FAILED, STOPPED = "done", "failed", "stopped"
ENDED = (DONE, FAILED, STOPPED)
LONGEST_QUESTION = 20_000  # [characters]


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question to models of this machine, by their names.

    text:       the question, without instruction and template
    problem_id: of a stored problem, else what an import of the question would give it; the seed of
                each sample depends on it, so that the answers are those of an evaluation
    gold:       the reference answer, by which answers are graded; None: unknown
    is_stored:  whether the store has the problem
    config:     samples, sampling and seed
    """

    text: str
    models: tuple[str, ...] = ()
    problem_id: str
    gold: str | None = None
    is_stored: bool = False
    config: EvalConfig = field(default_factory=EvalConfig)

    def as_json(self) -> str:
        return json.dumps(asdict(self) | {"config": as_json(self.config)})

    @classmethod
    def of_json(cls, text: str) -> "Question":
        values = json.loads(text)
        models, config = tuple(values.pop("models")), EvalConfig(**values.pop("config"))
        return cls(**values, models=models, config=config)


@dataclass(frozen=True, kw_only=True)
class Event:
    """What has become of a model, or of one of its samples.

    model:  its position among those asked   state: of the model
    sample: whose text this is; None: the event is about the model
    text:   the whole text so far   tokens: their number, None where unknown
    finish: "" while it is written; then stop, length, or None where a server does not say
    seed:   by which it was drawn
    error:  why the model, or the sample, has no answer
    """

    model: int
    state: str
    sample: int | None = None
    text: str = ""
    tokens: int | None = None
    finish: str | None = ""
    seed: int | None = None
    error: str = ""

    @property
    def is_end_of_text(self) -> bool:
        return self.sample is not None and self.finish != "" and not self.error


def new_question(
    text: str, gold: str | None, config: EvalConfig, models: tuple[str, ...] = ()
) -> Question:
    """A question that a person wrote. UserError: there is no text, or too much."""
    # half of a character, as a command line may hold, cannot be stored
    text = text.encode("utf-8", "replace").decode().strip()
    if not text:
        raise UserError("the question is empty; write one, or name a stored problem")
    if len(text) > LONGEST_QUESTION:
        raise UserError(
            f"the question has {len(text):,} characters; expected at most {LONGEST_QUESTION:,}"
        )
    gold = (gold or "").strip() or None
    problem_id = problem_id_of(text, gold or "")
    return Question(text=text, models=models, problem_id=problem_id, gold=gold, config=config)


def stored_question(
    store: Store, problem_id: str, config: EvalConfig, models: tuple[str, ...] = ()
) -> Question:
    """The question of a problem of the store. UserError: there is none of this id."""
    rows = ask(
        store,
        "select question, gold from problem_texts where problem_id = $id",
        id=problem_id,
    )
    if rows.is_empty():
        raise UserError(
            f"the store has no problem {problem_id!r}; expected an id as `thinkbench failures"
            " --json` and the page Generations show them"
        )
    question, gold = rows.row(0)
    return Question(
        text=question,
        models=models,
        problem_id=problem_id,
        gold=gold,
        is_stored=True,
        config=config,
    )
