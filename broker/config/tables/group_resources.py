"""Configs of one group (resource type 32), each with the broker config that holds its default."""

from ..checks import ANY, OFFSET_RESET, at_least, one_of
from ..definitions import Definition
from .rows import BOOLEAN, INT, MEDIUM, RESOURCE, STRING, known

# fmt: off
GROUP_RESOURCES: tuple[Definition, ...] = (
    known("consumer.session.timeout.ms", INT, 45000, at_least(1), MEDIUM, RESOURCE,
        "Session timeout of the group's members.", synonyms=("group.consumer.session.timeout.ms",)),
    known("consumer.heartbeat.interval.ms", INT, 5000, at_least(1), MEDIUM, RESOURCE,
        "Heartbeat interval of the group's members.", synonyms=("group.consumer.heartbeat.interval.ms",)),
    known("consumer.assignment.interval.ms", INT, 1000, at_least(0), MEDIUM, RESOURCE,
        "Least time between two assignments of the group.", synonyms=("group.consumer.assignment.interval.ms",)),
    known("share.session.timeout.ms", INT, 45000, at_least(1), MEDIUM, RESOURCE,
        "Session timeout of the share group's members.", synonyms=("group.share.session.timeout.ms",)),
    known("share.heartbeat.interval.ms", INT, 5000, at_least(1), MEDIUM, RESOURCE,
        "Heartbeat interval of the share group's members.", synonyms=("group.share.heartbeat.interval.ms",)),
    known("share.assignment.interval.ms", INT, 1000, at_least(0), MEDIUM, RESOURCE,
        "Least time between two assignments of the share group.", synonyms=("group.share.assignment.interval.ms",)),
    known("share.auto.offset.reset", STRING, "latest", OFFSET_RESET, MEDIUM, RESOURCE,
        "Where a share group without a position starts: latest, earliest or by_duration:PnDTnHnMn.nS."),
    known("share.isolation.level", STRING, "read_uncommitted", one_of("read_committed", "read_uncommitted"), MEDIUM,
        RESOURCE, "Whether a share group sees records of open and aborted transactions."),
    known("share.delivery.count.limit", INT, 5, at_least(2), MEDIUM, RESOURCE,
        "How often a record is delivered before it is given up.", synonyms=("group.share.delivery.count.limit",)),
    known("share.partition.max.record.locks", INT, 2000, at_least(100), MEDIUM, RESOURCE,
        "Records of a partition that may be locked at the same time.",
        synonyms=("group.share.partition.max.record.locks",)),
    known("share.record.lock.duration.ms", INT, 30000, at_least(1000), MEDIUM, RESOURCE,
        "How long a record is locked for the consumer that fetched it.",
        synonyms=("group.share.record.lock.duration.ms",)),
    known("share.renew.acknowledge.enable", BOOLEAN, True, ANY, MEDIUM, RESOURCE,
        "Whether a consumer may extend its lock on a record."),
    known("streams.session.timeout.ms", INT, 45000, at_least(1), MEDIUM, RESOURCE,
        "Session timeout of the streams group's members.", synonyms=("group.streams.session.timeout.ms",)),
    known("streams.heartbeat.interval.ms", INT, 5000, at_least(1), MEDIUM, RESOURCE,
        "Heartbeat interval of the streams group's members.", synonyms=("group.streams.heartbeat.interval.ms",)),
    known("streams.assignment.interval.ms", INT, 1000, at_least(0), MEDIUM, RESOURCE,
        "Least time between two assignments of the streams group.", synonyms=("group.streams.assignment.interval.ms",)),
    known("streams.initial.rebalance.delay.ms", INT, 3000, at_least(0), MEDIUM, RESOURCE,
        "How long a new streams group waits for more members.", synonyms=("group.streams.initial.rebalance.delay.ms",)),
    known("streams.num.standby.replicas", INT, 0, at_least(0), MEDIUM, RESOURCE,
        "Standby copies of each task of the streams group.", synonyms=("group.streams.num.standby.replicas",)),
)
