"""When and where the broker dies. A schedule is made of a seed beforehand: the same seed is the same schedule."""

from random import Random
from typing import Final, NamedTuple

ANY_MOMENT_MS: Final = 1500
"""Load for at most so long before a kill from outside."""

STARTING_MS: Final = 400
"""A start, with its recovery, is killed within so many milliseconds after the process was made."""


class Aim(NamedTuple):
    """An operation on the disk: a method of `LocalDisk` or `LocalFile`, on a path that contains `path`."""

    what: str
    operation: str
    path: str
    most: int
    """The process dies at one of the first so many of these operations."""


APPENDS: Final = (
    Aim("append", "write_at", "/idempotent-", 60),
    Aim("append", "write_at", "/plain-", 60),
    Aim("commit", "write_at", "/__consumer_offsets-", 20),
    Aim("transaction", "write_at", "/__transaction_state-", 20),
)
"""What a client waits for: half done, or done and not told."""

AIMS: Final = (
    Aim("roll", "create", ".log", 8),
    Aim("roll", "create", ".timeindex", 8),
    Aim("roll", "write_atomic", ".snapshot", 8),
    Aim("compaction", "create", ".cleaned", 6),
    Aim("compaction", "write_at", ".log.cleaned", 3),
    Aim("compaction", "rename", ".swap", 6),
    Aim("compaction", "rename", ".deleted", 9),
    Aim("compaction", "rename", "compacted-0/", 12),
    Aim("compaction", "write_atomic", "cleaner-offset-checkpoint", 3),
    Aim("deletion", "rename", "-delete", 2),
    Aim("deletion", "remove_tree", "-delete", 2),
    Aim("deletion", "remove", ".deleted", 9),
    Aim("move", "create", "-future", 3),
    Aim("move", "write_at", "-future", 2),
    Aim("move", "rename", "moving-0", 4),
    Aim("checkpoint", "write_atomic", "recovery-point", 12),
    Aim("checkpoint", "write_atomic", "leader-epoch", 6),
    Aim("sync", "sync", ".log", 8),
    Aim("recovery", "truncate", ".", 12),
    Aim("recovery", "remove", ".", 6),
    Aim("recovery", "create", "index", 6),
)


class Death(NamedTuple):
    """How one life of the broker ends."""

    what: str
    after_ms: float
    """From outside: so long after it was ready, or after its process was made if `starting`."""
    starting: bool = False
    aim: str = ""
    """By itself: `operation path number how`, where how is before, after, or torn (a write that is only half done)."""


def schedule(seed: int, rounds: int) -> list[Death]:
    random = Random(seed)
    return [_death(random) for _ in range(rounds)]


def _death(random: Random) -> Death:
    chance = random.random()
    if chance < 0.3:
        return Death("any moment", random.uniform(20, ANY_MOMENT_MS))
    if chance < 0.45:
        return Death("start", random.uniform(0, STARTING_MS), starting=True)
    aim = random.choice(APPENDS if chance < 0.65 else AIMS)
    hows = ("before", "torn", "after") if aim.operation == "write_at" else ("before", "after")
    how = random.choice(hows)
    return Death(aim.what, 2 * ANY_MOMENT_MS, aim=f"{aim.operation} {aim.path} {random.randint(1, aim.most)} {how}")
