"""Plays every transcript in cluster_transcripts/: what the controller does with many brokers, told readably."""

from __future__ import annotations

from pathlib import Path

import pytest

from odradek.coordinator.snapshot import records_of

from .cluster_world import ClusterWorld
from .transcript import play

TRANSCRIPTS = sorted((Path(__file__).parent / "cluster_transcripts").glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path) -> None:
    world = ClusterWorld()
    play(path, world)
    assert list(records_of(world.replayed())) == list(records_of(world.image)), "replay of the log gives another image"
