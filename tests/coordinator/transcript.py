"""Transcripts: tests of a state machine that a person can read, and that can be recorded again.

    # What the block is about.
    a command
    another command
    ----
    what came of them

Blocks are separated by empty lines; lines that start with # and empty lines outside of a block are kept as they are.
A world is a function that runs one command and returns what came of it, line by line. With RECORD_TRANSCRIPTS=1 in
the environment files are rewritten with what really came; read the difference before you commit it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

World = Callable[[str], Iterable[str]]

RULE = "----"


def play(path: Path, world: World) -> None:
    """Run every block of the file; what comes must be what is written there (or becomes so, when recording)."""
    written = path.read_text()
    came = "\n\n".join(_played(block, world) for block in written.rstrip("\n").split("\n\n")) + "\n"
    if os.environ.get("RECORD_TRANSCRIPTS"):
        path.write_text(came)
    else:
        assert came == written


def _played(block: str, world: World) -> str:
    lines = block.split("\n")
    if RULE not in lines:
        assert all(line.startswith("#") for line in lines), f"a block without {RULE}: {block}"
        return block
    commands = lines[: lines.index(RULE)]
    came = [line for command in commands if not command.startswith("#") for line in world(command)]
    return "\n".join([*commands, RULE, *came])
