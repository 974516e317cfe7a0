"""What storage can do: compaction, pauses, rates, many partitions, a large log. Measurements, no tests.

__main__.py     the command
tables.py       what was measured, as text
compaction.py   MB/s of the cleaner, beside Apache Kafka's, on the same data
pauses.py       the longest wait for a small request while the disk is busy
probe.py        the client that waits
rates.py        a log's appends and reads beside the disk's own
starting.py     starts on 10,000 partitions and on a large log
"""
