"""One partition's log on disk, and the log directory that holds many of them. Imports only `wire`; contains no `await`.

Read in this order:

    disk.py               the file operations, behind one injectable object; slices of files that readers hold
    config.py             the topic configs that storage obeys
    errors.py             what is wrong on the disk, in words
    index.py              offset index, time index and transaction index of a segment
    segment.py            one segment: a .log file and its indexes
    segments.py           the segments of one log in offset order, and reading from them
    lookup.py             records by time, aborted transactions
    epochs.py             leader epochs and where they began
    origin.py             where the records of an append come from
    validation.py         what a leader checks and changes in a producer's batch
    replicated.py         what a follower checks in its leader's
    producers.py          producer state: sequences, open and aborted transactions
    producer_snapshot.py  that state as bytes
    snapshots.py          and as files
    gaps.py               offsets that are left out on purpose
    durability.py         how much of a log is on the disk, and how the rest gets there
    log.py                one partition's log: append, read, look up, truncate, roll, flush
    retention.py          which segments may go, and when
    cleaner.py            which log to compact next, and how much of it
    key_map.py            which records are the newest of their key
    compaction.py         one cleaning of one log
    transactions.py       which records and markers a cleaning may drop
    scan.py               whole segments batch by batch, checked
    checkpoint.py         the small text files
    recovery.py           from files to a log that can be trusted
    names.py              names of directories in a log directory
    directory.py          a log directory: lock, identity, clean-shutdown marker, its logs
    moving.py             a log on its way to another directory, while it is used

docs/storage.md says how it fits together and what is promised. Invariants have a letter and a number (S1, L4, R2 ...),
stated at the head of the file that keeps them.
"""
