"""What a recipe chooses, found by a process of its own.

`python -m workbench.app.views.curate.search_process STORE` reads the recipe from its standard
input, and ends when that does: with the app that started it, however that ended.
"""

import json
import os
import sys
import threading
from dataclasses import asdict
from pathlib import Path

NICE = 10  # pages come before searches


def main(folder: str) -> None:
    os.nice(NICE)
    recipe = sys.stdin.readline()
    threading.Thread(target=_end_with_input, daemon=True).start()
    from data.store import open_store
    from data.subsets import of_json
    from evals.subsets import choose
    from workbench.formatting import BAD_INPUT, error_message

    try:
        found = choose.choice(open_store(Path(folder)), of_json(recipe))
    except (ValueError, OSError) as error:
        words = error_message(error)
        if words is None:
            raise
        sys.stderr.write(words)
        sys.stderr.flush()
        os._exit(BAD_INPUT)
    sys.stdout.write(json.dumps(asdict(found)))
    sys.stdout.flush()
    os._exit(0)  # the thread still reads the input, which Python would wait for


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
