"""Plays every transcript in transcripts/: what a group does, told so that a person can follow it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .group_world import GroupWorld, durable
from .transcript import play

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path) -> None:
    world = GroupWorld()
    play(path, world)
    assert durable(world.replayed()) == durable(world.shard), "replay of the log gives another state"
