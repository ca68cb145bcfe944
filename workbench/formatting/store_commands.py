"""Commands within a text: with the store that they are about, which is not their default."""

import re
import shlex
from pathlib import Path

# commands that read or write a store; tests/workbench/formatting holds them to the command line
VERBS = (
    *("ingest", "convert", "audit", "quarantine", "release", "subset", "preflight", "sft"),
    *("dpo", "grpo", "eval", "ask", "tokens", "export", "run", "ab", "grade", "judge"),
    *("failures", "override"),
    *("compare", "transitions", "overlap", "import", "import-rollouts", "verify", "lineage"),
    *("report", "rollouts", "learnability", "rewards", "runs", "sql", "mcp", "store", "pack"),
    *("unpack", "push", "search", "more-like", "clusters", "jobs", "app", "doctor"),
)
COMMAND = re.compile(
    rf"\bthinkbench (?=(?:{'|'.join(sorted(VERBS, key=len, reverse=True))})(?![\w-]))"
)


def with_store(text: str, folder: Path) -> str:
    """`text` whose commands name the store in `folder`."""
    return COMMAND.sub(lambda _: f"thinkbench --store {shlex.quote(str(folder))} ", text)
