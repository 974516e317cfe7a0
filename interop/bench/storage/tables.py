"""What was measured, as Markdown."""

from collections.abc import Mapping


class Table:
    """Rows of a title and figures; the first row's names are those of the columns."""

    def __init__(self, title: str, rows: Mapping[str, Mapping[str, object]]) -> None:
        self.title = title
        self.rows = rows

    def __str__(self) -> str:
        names = list(dict.fromkeys(name for row in self.rows.values() for name in row))
        lines = [f"### {self.title}", "", f"| | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
        for title, row in self.rows.items():
            lines.append(f"| {title} | {' | '.join(_cell(row.get(name, '')) for name in names)} |")
        return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
