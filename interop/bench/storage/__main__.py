"""Measure storage.

    python -m interop.bench.storage                     all parts but `large`; some five minutes
    python -m interop.bench.storage compaction          MB/s of the cleaner beside Apache Kafka's; two minutes
    python -m interop.bench.storage pauses              how long a small request waits while the disk is busy; a minute
    python -m interop.bench.storage rates               appends and reads beside the disk's own; half a minute
    python -m interop.bench.storage partitions          starts on 10,000 partitions; a minute
    python -m interop.bench.storage large --gb 10       starts on a log of 10 GB, and its recovery; two minutes
    python -m interop.bench.storage --only odradek      without Apache Kafka

Needs Linux, and for Apache Kafka Java and Maven. Data goes to a new directory below --directory (the system's for
temporary files), which should be on the disk in question: a file system in memory measures memory. Figures are medians
where something is done several times. Prints Markdown.
"""

import argparse
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Final

from .. import brokers
from . import compaction, pauses, rates, starting
from .tables import Table

PARTS: Final = ("compaction", "pauses", "rates", "partitions", "large")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m interop.bench.storage",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; none: all but large")
    parser.add_argument("--only", choices=("odradek", "kafka"), help="one broker alone")
    parser.add_argument("--gb", type=float, default=10, help="size of the large log (10)")
    parser.add_argument("--short", action="store_true", help="next to no data, to see that it runs")
    parser.add_argument("--directory", type=pathlib.Path, help="where the data goes")
    options = parser.parse_args(arguments)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    parts = options.parts or PARTS[:-1]
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    scale = 0.02 if options.short else 1.0
    measures: dict[str, Callable[[pathlib.Path], list[Table]]] = {
        "compaction": lambda directory: compaction.measure(directory, options.only, scale),
        "pauses": lambda directory: pauses.measure(directory, options.only, scale),
        "rates": lambda directory: rates.measure(directory, scale),
        "partitions": lambda directory: starting.partitions(directory, scale),
        "large": lambda directory: starting.large(directory, options.gb * scale),
    }
    print("".join(f"- {name}: {value}\n" for name, value in brokers.versions().items()))
    for part in parts:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="odradek-bench-", dir=options.directory) as directory:
            for table in measures[part](pathlib.Path(directory)):
                print(table, flush=True)
        print(f"{part} took {time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
