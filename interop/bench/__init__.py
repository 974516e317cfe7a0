"""Odradek beside Apache Kafka: the same work on both, in turn, in one run. Measurements, no tests.

    __main__.py     the command: which rows, how many rounds, where the report goes
    brokers.py      a broker under test: its process, the CPU and the memory it takes
    rows.py         what is measured, and the goals
    figures.py      what a figure means, and which way is better
    rounds.py       warm-up and interleaved rounds; medians and ratios
    bulk.py         many records: librdkafka in a process of its own, and batches made beforehand on a bare socket
    librdkafka.py   that process
    raw.py          requests made beforehand, on a bare socket: the broker is what limits them
    single.py       one record at a time, commits, hundreds of connections
    latency.py      from a producer to a consumer at a fixed rate
    groups.py       the first message of a group; joining and rebalancing with many members
    transactions.py transactions of one producer, with clients of both versions of the protocol
    life.py         start, memory, many partitions
    growth.py       a small request beside 10 to 10,000 topics, partitions, groups and connections
    report.py       the page, and plots.py its pictures
    profiled.py     Odradek with a clock on every request: where its time goes, by API

`storage/` is a command of its own, for what the disk has to do with: compaction beside Apache Kafka's, pauses, rates,
starts on many partitions and large logs.

Microbenchmarks, each a command of its own: `codec.py` (messages to bytes and back), `batches.py` (a batch before it is
written), `start.py` (start, first message, stop), `topics.py` (1,000 topics created, listed, deleted).
`compiled.py` makes a wheel in which the hot modules are compiled, to see what that brings.
"""
