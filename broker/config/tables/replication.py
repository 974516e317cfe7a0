"""Replicas: who is in sync, who leads, how followers fetch."""

from ..checks import ANY, at_least
from ..definitions import Definition
from .rows import BOOLEAN, CLUSTER_WIDE, HIGH, INT, LONG, MEDIUM, READ_ONLY, STRING, known, used

# fmt: off
REPLICATION: tuple[Definition, ...] = (
    used("min.insync.replicas", INT, 1, at_least(1), HIGH, CLUSTER_WIDE, "In-sync replicas that acks=all needs."),
    used("unclean.leader.election.enable", BOOLEAN, False, ANY, HIGH, CLUSTER_WIDE,
        "Whether a replica that is not in sync may lead when no other is left."),
    known("unclean.leader.election.interval.ms", LONG, 300000, at_least(1), MEDIUM, READ_ONLY,
        "How often the controller looks for partitions in need of an unclean election.", internal=True),
    known("auto.leader.rebalance.enable", BOOLEAN, True, ANY, HIGH, READ_ONLY,
        "Whether leadership returns to the preferred replica by itself."),
    known("leader.imbalance.check.interval.seconds", LONG, 300, at_least(1), HIGH, READ_ONLY,
        "How often the controller looks for leaders that are not the preferred ones."),
    known("num.replica.fetchers", INT, 1, at_least(1), HIGH, CLUSTER_WIDE,
        "Fetching threads for each broker that is followed."),
    known("replica.fetch.max.bytes", INT, 1048576, at_least(0), MEDIUM, READ_ONLY,
        "Bytes of a partition that a follower asks for."),
    known("replica.fetch.min.bytes", INT, 1, ANY, HIGH, READ_ONLY,
        "Bytes that must be there before a follower's fetch is answered."),
    known("replica.fetch.response.max.bytes", INT, 10485760, at_least(0), MEDIUM, READ_ONLY,
        "Bytes of a whole fetch that a follower asks for."),
    known("replica.fetch.wait.max.ms", INT, 500, ANY, HIGH, READ_ONLY, "How long a follower's fetch may wait."),
    known("replica.fetch.backoff.ms", INT, 1000, at_least(0), MEDIUM, READ_ONLY,
        "Pause of a follower after a failed fetch."),
    known("replica.lag.time.max.ms", LONG, 30000, ANY, HIGH, READ_ONLY,
        "How long a follower may lag before it leaves the in-sync replicas."),
    known("replica.socket.timeout.ms", INT, 30000, ANY, HIGH, READ_ONLY, "Socket timeout of a follower's requests."),
    known("replica.socket.receive.buffer.bytes", INT, 65536, ANY, HIGH, READ_ONLY,
        "Receive buffer of a follower's sockets."),
    used("replica.high.watermark.checkpoint.interval.ms", LONG, 5000, ANY, HIGH, READ_ONLY,
        "How often high watermarks are written down."),
    known("replica.selector.class", STRING, None, ANY, MEDIUM, READ_ONLY,
        "Java plugin that chooses the replica a consumer reads from (KIP-392)."),
    known("follower.fetch.last.tiered.offset.enable", BOOLEAN, False, ANY, MEDIUM, CLUSTER_WIDE,
        "Whether a new follower of a tiered log starts at the last tiered offset."),
)
