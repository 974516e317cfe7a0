"""Random interleavings of several producers, timeouts, failing logs and crashes between any two steps.

What holds for every seed: no committed record is lost or doubled for a read_committed reader, no aborted one is seen,
the last stable offset never goes back, and nothing hangs in the end. ODRADEK_TRANSACTION_SEEDS=5000 in the environment
tries more seeds than a test run should; a failure names its seed.
"""

from __future__ import annotations

import os
from collections import Counter

from .transaction_model import run

SEEDS = int(os.environ.get("ODRADEK_TRANSACTION_SEEDS", "300"))
STEPS = 400


def test_exactly_once_whatever_happens() -> None:
    outcomes: Counter[str] = Counter()
    for seed in range(SEEDS):
        try:
            outcomes.update(run(seed, STEPS).outcomes.values())
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    for outcome in ("committed", "aborted", "unknown"):
        assert outcomes[outcome] > SEEDS, f"too little happens: {outcomes}"
