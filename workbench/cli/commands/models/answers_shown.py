"""Answers on a terminal as they are written: one after the other, in the order of the models."""

import sys

from workbench.cli.output import tables
from workbench.formatting import visible
from workbench.playground import Event

Position = tuple[int, int]  # model, sample


class AnswersShown:
    """Prints events. A text that grows while an earlier one is being printed waits for it.

    titles: of the models   samples: of each
    """

    def __init__(self, titles: list[str], samples: int) -> None:
        self.titles, self.samples = titles, samples
        self.texts: dict[Position, str] = {}
        self.ended: set[Position] = set()
        self.at: Position = (0, 0)
        self.printed = -1  # characters of the text at this position; -1: not its title either

    def add(self, event: Event) -> None:
        if event.sample is None:
            if event.error:
                self._end_model(event.model)
            return
        position = event.model, event.sample
        self.texts[position] = event.text or self.texts.get(position, "")
        if event.finish != "" or event.error:
            self.ended.add(position)
        self._print()

    def _end_model(self, model: int) -> None:
        self.ended |= {(model, sample) for sample in range(self.samples)}
        self._print()

    def _print(self) -> None:
        """Print what is new of the text at this position, and of the next ones once it ended."""
        while self.at[0] < len(self.titles):
            if self.at in self.texts:
                self._print_text()
            if self.at not in self.ended:
                return
            model, sample = self.at
            self.at = (model, sample + 1) if sample + 1 < self.samples else (model + 1, 0)
            self.printed = -1

    def _print_text(self) -> None:
        text, is_ended = visible(self.texts[self.at]), self.at in self.ended
        if self.printed < 0:
            model, sample = self.at
            number = f", sample {sample + 1}" if self.samples > 1 else ""
            tables.show(f"{self.titles[model]}{number}")
            self.printed = 0
        sys.stdout.write(text[self.printed :] + ("\n\n" if is_ended else ""))
        sys.stdout.flush()
        self.printed = len(text)
