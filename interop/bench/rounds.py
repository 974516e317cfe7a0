"""Rounds: every row on every broker in turn, after a round that is thrown away.

A row that fails on one broker is told, leaves a gap there, and keeps nothing from going on: the brokers are not ours to
mend here, and half an hour is long.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from .brokers import OURS, Subject
from .figures import Sample
from .rows import Row, Scale

Say: TypeAlias = Callable[[str], None]


@dataclass(slots=True)
class Result:
    """The samples of one row: by broker, one a round."""

    row: Row
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    """A sample is empty where the row failed."""
    failures: dict[str, list[str]] = field(default_factory=dict)
    """What went wrong, by broker."""

    def median(self, broker: str, figure: str) -> float | None:
        """None if there is no such figure."""
        found = [sample[figure] for sample in self.samples.get(broker, ()) if figure in sample]
        return statistics.median(found) if found else None

    def ratio(self, broker: str, other: str, figure: str) -> float | None:
        """The median over the rounds of one broker's figure by the other's in the same round."""
        pairs = zip(self.samples.get(broker, ()), self.samples.get(other, ()), strict=False)
        ratios = [mine[figure] / theirs[figure] for mine, theirs in pairs if mine.get(figure) and theirs.get(figure)]
        return statistics.median(ratios) if ratios else None


def run(
    rows: Sequence[Row], subjects: Sequence[Subject], scale: Scale, rounds: int, warm_up: Scale | None, say: Say
) -> list[Result]:
    """Measure. The brokers take turns within each row, and in another order every round."""
    results = [Result(row) for row in rows]
    if warm_up is not None:
        for result in results:
            for subject in () if result.row.is_ours_alone else subjects:
                say(f"warm-up: {result.row.name} on {subject.name}")
                _sample(result, subject, warm_up, "warm", say)
    for number in range(rounds):
        order = list(subjects) if number % 2 == 0 else list(reversed(subjects))
        for result in results:
            for subject in order:
                if result.row.is_ours_alone and (number or subject.name != OURS):
                    continue
                sample = _sample(result, subject, scale, str(number), say)
                result.samples.setdefault(subject.name, []).append(sample)
                say(f"round {number + 1}: {result.row.name} on {subject.name}: {_shown(result.row, sample)}")
    return results


def _sample(result: Result, subject: Subject, scale: Scale, tag: str, say: Say) -> Sample:
    try:
        return result.row.run(subject, scale, tag)
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"
        say(f"{result.row.name} failed on {subject.name}: {failure}")
        result.failures.setdefault(subject.name, []).append(failure)
        return {}


def _shown(row: Row, sample: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {sample[name]:.4g}" for name in row.figures if name in sample)
