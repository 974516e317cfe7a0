"""Where the records of an append come from, which decides what is checked."""

from enum import Enum, auto


class Origin(Enum):
    CLIENT = auto()
    """A produce request: everything is checked."""
    COORDINATOR = auto()
    """Our own coordinators: offset commits, transaction states and markers. No sequences to check, epochs are."""
    REPLICATION = auto()
    """A follower's fetch: the leader has checked it; offsets and epochs are the leader's."""
    RAFT_LEADER = auto()
    """The metadata log's writer: offsets and epochs are already in the batch."""
