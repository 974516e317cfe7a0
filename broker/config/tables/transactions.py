"""Transactions and idempotent producers."""

from ..checks import ANY, at_least
from ..definitions import Definition
from .rows import BOOLEAN, CLUSTER_WIDE, HIGH, INT, LOW, READ_ONLY, SHORT, known, used

# fmt: off
TRANSACTIONS: tuple[Definition, ...] = (
    used("transaction.max.timeout.ms", INT, 900000, at_least(1), HIGH, READ_ONLY,
        "Longest transaction timeout that a producer may ask for."),
    used("transaction.abort.timed.out.transaction.cleanup.interval.ms", INT, 10000, at_least(1), LOW, READ_ONLY,
        "How often transactions past their timeout are looked for."),
    used("transaction.remove.expired.transaction.cleanup.interval.ms", INT, 3600000, at_least(1), LOW, READ_ONLY,
        "How often expired transactional ids are looked for."),
    used("transaction.partition.verification.enable", BOOLEAN, True, ANY, LOW, CLUSTER_WIDE,
        "Whether a partition checks with the coordinator that it is part of the transaction."),
    known("transaction.two.phase.commit.enable", BOOLEAN, False, ANY, LOW, READ_ONLY,
        "Whether producers may take part in two-phase commit (KIP-939)."),
    used("transaction.state.log.num.partitions", INT, 50, at_least(1), HIGH, READ_ONLY,
        "Partitions of __transaction_state."),
    used("transaction.state.log.replication.factor", SHORT, 3, at_least(1), HIGH, READ_ONLY,
        "Replicas of __transaction_state."),
    used("transaction.state.log.min.isr", INT, 2, at_least(1), HIGH, READ_ONLY,
        "In-sync replicas that __transaction_state needs."),
    used("transaction.state.log.segment.bytes", INT, 104857600, at_least(1), HIGH, READ_ONLY,
        "Segment size of __transaction_state."),
    used("transaction.state.log.load.buffer.size", INT, 5242880, at_least(1), HIGH, READ_ONLY,
        "Bytes read at a time while __transaction_state is loaded."),
    used("transactional.id.expiration.ms", INT, 604800000, at_least(1), HIGH, READ_ONLY,
        "How long an unused transactional id is remembered."),
    used("add.partitions.to.txn.retry.backoff.ms", INT, 20, at_least(1), HIGH, READ_ONLY,
        "Pause before a pending addition of partitions is tried again."),
    used("add.partitions.to.txn.retry.backoff.max.ms", INT, 100, at_least(0), HIGH, READ_ONLY,
        "Longest time that a pending addition of partitions is tried again."),
    used("producer.id.expiration.ms", INT, 86400000, at_least(1), LOW, CLUSTER_WIDE,
        "How long a partition remembers a producer that is silent."),
    used("producer.id.expiration.check.interval.ms", INT, 600000, at_least(1), LOW, READ_ONLY,
        "How often partitions forget silent producers.", internal=True),
)
