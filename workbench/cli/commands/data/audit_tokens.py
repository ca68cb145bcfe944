"""What `audit --model` reports: the tokens of each example, and which exceed a budget."""

from typing import Any

from data.store import Store
from evals.audit import token_budget


def token_counts(
    store: Store, source: str, converter: str, model: str, budget: int | None
) -> dict[str, Any]:
    """Lengths by part, and the share of examples within each budget of tokens.

    budget: [tokens] whose excluded examples are listed
    """
    from workbench.cli import bars
    from workbench.cli.quiet import quiet
    from workbench.lookup import starting_model

    quiet()
    from pipeline.evaluate import count_tokens  # loads jax, so only here
    from pipeline.job import examples_of
    from pipeline.model import model_folder

    folder = model_folder(starting_model(store, model).model)
    examples = examples_of(store, source, converter)
    with bars() as bar:
        tokenizer = count_tokens(store, source, converter, examples, model, folder, bar("tokens"))
    counts = token_budget.token_counts(store, source, converter, tokenizer)
    value = {
        "tokenizer": tokenizer,
        "examples": counts.height,
        "wrong_masks": int((~counts["mask_is_exact"]).sum()),
        "tokens": token_budget.lengths(counts),
        "survival": token_budget.survival(counts, (budget,) if budget else token_budget.BUDGETS),
    }
    if budget:
        value["lost"] = token_budget.too_long(counts, budget).to_dicts()
    return value
