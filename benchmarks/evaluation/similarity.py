"""Search by meaning and clusters: speed on made texts, and how well words are found on real ones.

    python -m benchmarks.evaluation.similarity [--generations 100000] [--solutions FILE]

Beside it stands what one would use without a model: TF-IDF and latent semantic analysis by
scikit-learn, where that is installed. FILE holds OpenAI's solutions of GSM8K's test problems.

In other words: 20 queries whose words the texts avoid; the share of the ten nearest questions that
are of the topic, which a list of words decides. Own question: how often a solution is the nearest
of all to its question, with which it shares words.
"""

import argparse
import json
import re
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from data.progress import no_progress
from data.store import Store, add_generations, open_store
from evals.scores import grade_generations
from evals.similarity import clusters_of, embed, embed_missing, search

RUN = "made"
AT_ONCE = 10_000
SENTENCES = 12  # of a text
NOUNS = (
    "boat", "ship", "dog", "cat", "cake", "cookie", "train", "car", "mile", "hour", "dollar",
    "coin", "book", "page", "student", "teacher", "garden", "flower", "apple", "farm", "cow",
    "pool", "lake", "shirt", "shoe", "game", "point", "song", "album", "pizza", "slice",
)  # fmt: skip
VERBS = ("buys", "sells", "finds", "loses", "counts", "paints", "carries", "shares", "bakes")
QUERIES = {
    "canine": "dog|pupp", "feline": "cat|kitten", "automobile fuel consumption": "gas|gallon|mpg",
    "pupils in a classroom": "student|class|teacher", "marriage ceremony": "wedding|bride|marri",
    "physician visit": "doctor|hospital|medic|patient", "aquatic exercise": "swim|pool|lap",
    "precipitation": "rain|snow|storm", "confectionery": "cand|chocolate|cookie|gum|lollipop",
    "footwear": "shoe|boot|sock|sneaker", "residence lease payments": "rent|apartment|mortgage",
    "jogging": "run|ran|jog|mile", "beverage": "drink|coffee|tea|juice|water|soda|milk|wine|beer",
    "livestock farm": "cow|sheep|chicken|pig|goat|horse|duck",
    "wage for overtime labour": "hour|salary|paid|earn", "photography": "photo|picture|camera",
    "ocean vessel": "boat|ship|sail|cruise", "physical fitness training": "gym|exercise|workout",
    "novel reading": "book|page|read", "gardening": "garden|plant|flower|tree|seed",
}  # fmt: skip
Vectors = Callable[[list[str]], Any]


def fill(store: Store, generations: int) -> None:
    """Add so many generations of RUN, of about 700 characters, each about a few nouns."""
    draw = np.random.default_rng(0)
    for first in range(0, generations, AT_ONCE):
        n = min(AT_ONCE, generations - first)
        topics = draw.choice(NOUNS, (n, 3))
        verbs, numbers = draw.choice(VERBS, (n, SENTENCES)), draw.integers(2, 99, (n, SENTENCES))
        texts = [
            " ".join(
                f"She {verb} {number} of the {topic[i % 3]}s, so {number} * 3 = {number * 3}."
                for i, (verb, number) in enumerate(zip(of_verbs, of_numbers, strict=True))
            )
            for topic, of_verbs, of_numbers in zip(topics, verbs, numbers, strict=True)
        ]
        rows = pl.DataFrame(
            {
                "generation_id": [f"{first + i:08d}" for i in range(n)],
                "problem_id": [f"{(first + i) // 8:07d}" for i in range(n)],
                "sample": [(first + i) % 8 for i in range(n)],
                "text": texts,
                "tokens": 200,
                "finish": "stop",
                "seed": 0,
                "settings": "{}",
                "label": None,
                "gold": "7",
                "run": RUN,
                "stage": "sft",
            },
            schema_overrides={"sample": pl.Int32, "tokens": pl.Int32, "label": pl.Boolean},
        )
        scores = grade_generations(rows, "strict")
        add_generations(store, rows.drop("gold"), scores, run=RUN, stage="sft")


def timed(what: str, work: Callable[[], Any]) -> Any:
    """The result of `work`; prints seconds, and CPU seconds of all threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    took, spent = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what:42} {took:9.3f} s {spent:9.3f} CPU s", flush=True)
    return result


def speed(generations: int) -> None:
    def silent(name: str) -> Any:
        return no_progress

    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "store")
        fill(store, generations)
        print(f"{generations:,} generations")
        timed("embed and store", lambda: embed_missing(store, RUN, "reasoning"))
        for query in ("vessel at sea", "canine", "dessert"):
            timed("search", lambda q=query: search(store, q, RUN, "reasoning", 20, silent))
        timed("clusters", lambda: clusters_of(store, RUN, "reasoning", silent))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"largest memory of the process {peak:.2f} GB")


def lsa(texts: list[str]) -> tuple[Vectors, Vectors]:
    """TF-IDF, and its 256 largest singular directions, both fitted on `texts`."""
    from sklearn.decomposition import TruncatedSVD  # pyright: ignore[reportMissingImports]
    from sklearn.feature_extraction.text import (  # pyright: ignore[reportMissingImports]
        TfidfVectorizer,
    )

    tf_idf = TfidfVectorizer(sublinear_tf=True, min_df=2, max_df=0.5)
    reduced = TruncatedSVD(256, random_state=0).fit(tf_idf.fit_transform(texts))

    def directions(texts: list[str]) -> np.ndarray:
        vectors = reduced.transform(tf_idf.transform(texts))
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    return lambda texts: tf_idf.transform(texts).toarray(), directions


def quality(file: Path) -> None:
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    questions = [row["question"] for row in rows]
    solutions = [row["175b_finetuning"]["solution"] for row in rows]
    methods: dict[str, Vectors] = {"static model": embed}
    try:
        methods["TF-IDF"], methods["LSA, 256"] = lsa(questions + solutions)
    except ModuleNotFoundError:
        print("scikit-learn is not installed, so TF-IDF and LSA are left out")
    print(f"{'':14} in other words  own question")
    for name, vectors in methods.items():
        of_questions, of_solutions = vectors(questions), vectors(solutions)
        cosines = of_questions @ of_solutions.T
        own = (cosines.argmax(axis=1) == np.arange(len(rows))).mean()
        shares = [
            np.mean([
                bool(re.search(rf"\b({pattern})", questions[i], re.IGNORECASE))
                for i in np.argsort(-(of_questions @ vectors([query])[0]), kind="stable")[:10]
            ])
            for query, pattern in QUERIES.items()
        ]  # fmt: skip
        print(f"{name:14} {np.mean(shares):14.3f} {own:13.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--generations", type=int, default=100_000)
    parser.add_argument("--solutions", type=Path)
    arguments = parser.parse_args()
    if arguments.solutions:
        quality(arguments.solutions)
    speed(arguments.generations)


if __name__ == "__main__":
    main()
