"""`import-rollouts`: read the rollouts that another trainer logged."""

from pathlib import Path

import click

from workbench.cli import Answer, FilePath, verb
from workbench.cli.output import rollouts

# as in evals/imports/rollout_logs/formats.py, not loaded for --help
FORMATS = ("trl", "verl", "prime-rl", "verifiers", "nemo-rl", "open-instruct", "rllm", "tunix",
           "neutral")  # fmt: skip


@verb
@click.argument("path", type=FilePath())
@click.option("--name", required=True, help="of the run that the rollouts become")
@click.option(
    "--format", "log_format", type=click.Choice(FORMATS), help="by default the one that fits"
)
@click.option(
    "--tokenizer",
    type=FilePath(),
    help="folder of a model, or its tokenizer.json, for logs of token ids (open-instruct)",
)
def import_rollouts(
    folder: Path, path: Path, name: str, log_format: str | None, tokenizer: Path | None
) -> Answer:
    """Import the rollouts that another trainer logged.

    PATH is a file, or a folder with all files of a log: of TRL or Unsloth (completions/*.parquet),
    verl (rollout_data_dir), prime-rl or verifiers (traces.jsonl, results.jsonl), NeMo-RL
    (train_data_step*.jsonl), open-instruct (save_traces), rLLM (episodes/), Tunix's agentic GRPO
    (trajectory_log_*.csv), or the neutral format (docs/rollouts.md). What a log lacks stays
    unknown. Pickles are refused.
    """
    from data.store import open_store
    from evals.imports.rollout_logs import decoder, import_rollouts as import_log
    from workbench.cli import bars

    decode = decoder(tokenizer) if tokenizer else None
    with bars() as bar:
        progress = bar(f"read {path.name}")
        value = import_log(open_store(folder), path, name, log_format, decode, progress)
    return value, rollouts.imported
