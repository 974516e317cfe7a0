"""The page: tables of medians and ratios, goals that were met and missed, and how it was measured."""

import datetime
import pathlib
from collections.abc import Iterator, Sequence

from . import brokers, plots
from .brokers import OURS, THEIRS
from .figures import FIGURES
from .rounds import Result

NOTES = "notes.md"
"""Beside the report's plots: what people have to say about the figures. It is put into the page as it is."""


class Report:
    def __init__(
        self, results: Sequence[Result], names: Sequence[str], command: str, rounds: int, took_s: float
    ) -> None:
        self.results = results
        self.names = names
        self.command = command
        self.rounds = rounds
        self.took_s = took_s

    def tables(self) -> str:
        """All sections."""
        return "\n".join(line for name, results in self._sections() for line in self._section(name, results))

    def _sections(self) -> Iterator[tuple[str, list[Result]]]:
        sections: dict[str, list[Result]] = {}
        for result in self.results:
            sections.setdefault(result.row.section, []).append(result)
        yield from sections.items()

    def _section(self, name: str, results: list[Result]) -> Iterator[str]:
        ratio = ["ratio", "goal"] if self._compares else []
        yield f"## {name}\n"
        yield f"| | | {' | '.join([*self.names, *ratio])} |"
        yield f"|---|---|{'---:|' * (len(self.names) + len(ratio))}"
        for result in results:
            title = result.row.title
            for figure in result.row.figures:
                if any(result.median(name, figure) is not None for name in self.names):
                    yield f"| {title} | {' | '.join(self._line(result, figure))} |"
                    title = ""
        yield ""

    def _line(self, result: Result, figure: str) -> list[str]:
        meaning = FIGURES[figure]
        cells = [meaning.title]
        for name in self.names:
            value = result.median(name, figure)
            cells.append("" if value is None else f"{value:,.{meaning.digits}f}")
        if self._compares:
            ratio = result.ratio(OURS, THEIRS, figure)
            goal = next((goal for goal in result.row.goals if goal.figure == figure), None)
            cells.append("" if ratio is None else f"{ratio:.2f}")
            if goal is None or ratio is None:
                cells.append("")
            else:
                bound = "at most" if meaning.less_is_better else "at least"
                cells.append(f"{bound} {goal.ratio} {'✓' if goal.is_met_by(ratio) else '**missed**'}")
        return cells

    @property
    def _compares(self) -> bool:
        return OURS in self.names and THEIRS in self.names

    def missed(self) -> list[str]:
        """One line for each goal that was not reached."""
        lines = []
        for result in self.results:
            for goal in result.row.goals:
                ratio = result.ratio(OURS, THEIRS, goal.figure)
                if ratio is not None and not goal.is_met_by(ratio):
                    what = f"{result.row.section}, {result.row.title}: {FIGURES[goal.figure].title}"
                    lines.append(f"- {what}: {ratio:.2f}, goal {goal.ratio}")
        return lines

    def failed(self) -> list[str]:
        """One line for each time that a row came to nothing."""
        return [
            f"- {result.row.section}, {result.row.title}, on {name}: {failure}"
            for result in self.results
            for name, failures in result.failures.items()
            for failure in failures
        ]

    def write(self, path: pathlib.Path) -> None:
        """The whole page, with plots in a folder of its name where matplotlib is there."""
        folder = path.with_suffix("")
        notes = folder / NOTES
        pictures = plots.draw(self.results, folder) if self._compares else []
        lines = [
            "# Performance",
            "",
            "Odradek beside Apache Kafka: the same work on both, in turn, on one machine, in one run. Figures are",
            f"medians of {self.rounds} rounds after a warm-up; a ratio is the median of the rounds' ratios, Odradek's",
            "figure by Apache Kafka's. How each row works is in `interop/bench/`.",
            "",
            f"    {self.command}",
            "",
            f"{datetime.date.today().isoformat()}, {self.took_s / 60:.0f} minutes",
            "",
            *(f"- {what}: {version}" for what, version in brokers.versions().items()),
            "",
            *(notes.read_text().splitlines() if notes.exists() else []),
            "",
            *(f"![{title}]({folder.name}/{name})" for title, name in pictures),
            "",
            self.tables(),
        ]
        for title, found in (("Goals that were missed", self.missed()), ("Rows that failed", self.failed())):
            if found:
                lines += [f"## {title}", "", *found, ""]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines))
