"""Plays every transcript in transaction_transcripts/: what becomes of a transaction, for a person to read."""

from __future__ import annotations

from pathlib import Path

import pytest

from .transaction_world import TransactionWorld
from .transcript import play

TRANSCRIPTS = sorted((Path(__file__).parent / "transaction_transcripts").glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path) -> None:
    world = TransactionWorld()
    play(path, world)
    assert dict(world.replayed()) == dict(world.shard), "replay of the log gives another state"
