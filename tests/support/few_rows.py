"""The first rows of the bundled samples as files: three thousand take seconds to tokenize."""

from dataclasses import dataclass
from pathlib import Path

from data.sources.samples import damaged_records, word_problems
from tests.support.files import jsonl

RECORDS, TRAIN, TEST = 160, 80, 16


@dataclass(frozen=True)
class FewRows:
    """records: the file of samples-stratos   problems: the folder of samples-gsm8k"""

    records: Path
    problems: Path

    def knobs(self) -> dict[str, str]:
        """Of the preset's part `data`: read these rows under the names of the samples."""
        return {"records_from": str(self.records), "problems_from": str(self.problems)}


def written(folder: Path, test: int = TEST) -> FewRows:
    """Write RECORDS records, and TRAIN train problems and `test` others, to the new `folder`."""
    problems = folder / "problems"
    problems.mkdir(parents=True)
    for split, n in {"train": TRAIN, "test": test}.items():
        jsonl(problems / f"{split}.jsonl", word_problems.gsm8k_rows(n, 0, split))
    records = jsonl(folder / "records.jsonl", damaged_records.stratos_rows(RECORDS, 0))
    return FewRows(records, problems)
