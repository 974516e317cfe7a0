"""A short run of the frame fuzzer. The long one is a command: see `frames.py`."""

from . import frames


def test_mutated_requests_find_nothing() -> None:
    frames.fuzz(frames=3_000, seed=2)
