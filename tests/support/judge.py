"""A scripted judge for tests: a chat server that replies by a rule, and can fail."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.served import Behaviour, Reply, chat

PROMPT = "Is the answer right?\n{question}\n{reference}\n{completion}\n{answer}"
Rule = Callable[[str], str]  # the completion -> the verdict


def rubric(url: str, name: str = "check", prompt: str = PROMPT, **fields: Any) -> str:
    """The text of a rubric. Its server is not asked again after a failure."""
    values = {"name": name, "prompt": prompt, "model": "m", "url": url, "retries": 0} | fields
    return "".join(f"{field} = {json.dumps(value)}\n" for field, value in values.items())


def write_rubric(folder: Path, url: str, **fields: Any) -> Path:
    path = folder / "rubric.toml"
    path.write_text(rubric(url, **fields))
    return path


def prompt_in(body: dict[str, Any]) -> str:
    return body["messages"][0]["content"]


def mark_in(body: dict[str, Any]) -> str:
    """The mark that the reply must have: of the last line with one."""
    return re.findall(r"(?:VERDICT|RANKING) ([0-9a-f]{8}):", prompt_in(body))[-1]


def block_in(body: dict[str, Any], name: str = "completion") -> str:
    """The text between the fences of `name`."""
    mark = mark_in(body)
    _, _, rest = prompt_in(body).partition(f"[{name} {mark}]\n")
    return rest.partition(f"\n[end of {name} {mark}]")[0]


def judging(rule: Rule, prose: str = "I read it.\n") -> Behaviour:
    """Replies with the verdict of `rule` on the completion, behind some prose."""

    def reply(body: dict[str, Any], tries: int) -> Reply:
        verdict = rule(block_in(body))
        value = chat(f"{prose}VERDICT {mark_in(body)}: {verdict}").value
        return Reply(value | {"usage": {"prompt_tokens": 50, "completion_tokens": 5}})

    return reply


def seven_is_correct(completion: str) -> str:
    return "correct" if "7" in completion else "incorrect"
