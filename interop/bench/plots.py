"""Pictures of a report, as SVG; none where matplotlib is not installed."""

import pathlib
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from .rounds import Result

PICTURES = (
    ("Broker CPU to produce a million records", "produce-", "cpu_s_million"),
    ("Broker CPU to consume a million records", "consume-", "cpu_s_million"),
    ("Broker CPU for one small request", ("single", "pipelined", "busy", "commits"), "cpu_us"),
    ("Latency from producer to consumer, p99", "rate-", "p99_ms"),
    ("Time until a group has joined", "members-", "join_ms"),
    ("Memory", ("start", "memory"), ("idle_mb", "loaded_mb")),
)
UNITS = {"cpu_s_million": "s", "cpu_us": "µs", "p99_ms": "ms", "join_ms": "ms", "idle_mb": "MB", "loaded_mb": "MB"}


def draw(results: Sequence[Result], folder: pathlib.Path) -> list[tuple[str, str]]:
    """Titles and file names of the pictures that were drawn."""
    if find_spec("matplotlib") is None:
        return []
    drawn = []
    for number, (title, rows, figures) in enumerate(PICTURES):
        wanted = (figures,) if isinstance(figures, str) else figures
        bars = [
            (result.row.title, {name: result.median(name, figure) for name in result.samples})
            for result in results
            if result.row.name.startswith(rows if isinstance(rows, str) else tuple(rows))
            for figure in wanted
            if any(figure in sample for samples in result.samples.values() for sample in samples)
        ]
        if bars:
            name = f"{number + 1}.svg"
            folder.mkdir(parents=True, exist_ok=True)
            _bars(title, UNITS[wanted[0]], bars, folder / name)
            drawn.append((title, name))
    return drawn


def _bars(title: str, unit: str, bars: list[tuple[str, dict[str, float | None]]], path: pathlib.Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "odradek"  # the same figures make the same file
    from matplotlib import pyplot

    brokers = list(dict.fromkeys(name for _, values in bars for name in values))
    height = 0.8 / len(brokers)
    figure: Any
    figure, axes = pyplot.subplots(figsize=(8, 0.6 + 0.45 * len(bars)))
    for index, broker in enumerate(brokers):
        places = [position + (index - (len(brokers) - 1) / 2) * height for position in range(len(bars))]
        values = [values.get(broker) or 0.0 for _, values in bars]
        drawn = axes.barh(places, values, height, label=broker)
        axes.bar_label(drawn, [f" {value:.3g}" for value in values], fontsize=7)
    axes.set_yticks(range(len(bars)), [title for title, _ in bars], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
