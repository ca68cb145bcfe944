"""The process of a background search: computes what a recipe chooses.

`python -m workbench.app.views.curate.search_process STORE` reads the recipe from standard input,
and ends when standard input is closed: with the app that started it, however the app ended.
"""

import json
import os
import sys
import threading
from dataclasses import asdict
from pathlib import Path

NICE = 10  # pages have priority over searches


def main(folder: str) -> None:
    os.nice(NICE)
    recipe = sys.stdin.readline()
    threading.Thread(target=_end_with_input, daemon=True).start()
    from data.store import open_store
    from data.subsets import of_json
    from evals.curation import choose
    from workbench.formatting import BAD_INPUT, error_message

    try:
        result = choose.choice(open_store(Path(folder)), of_json(recipe))
    except (ValueError, OSError) as error:
        words = error_message(error)
        if words is None:
            raise
        sys.stderr.write(words)
        sys.stderr.flush()
        os._exit(BAD_INPUT)
    sys.stdout.write(json.dumps(asdict(result)))
    sys.stdout.flush()
    os._exit(0)  # Python would wait for the thread, which still reads the input


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
