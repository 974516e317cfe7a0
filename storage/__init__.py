"""One partition's log on disk, and the log directory that holds many of them. Imports only `wire`; contains no `await`.

Read in this order:

    disk.py        the file operations, behind one injectable object; slices of files that readers hold
    config.py      the topic configs that storage obeys
    index.py       offset index, time index and transaction index of a segment
    segment.py     one segment: a .log file and its indexes
    segments.py    the segments of one log in offset order
    epochs.py      leader epochs and where they began
    origin.py      who appends: a client, a coordinator, a leader's follower, the metadata log's writer
    producers.py   producer state: sequences, open and aborted transactions
    producer_snapshot.py  its file
    validation.py  what a leader checks and changes in a producer's batch
    log.py         one partition's log: append, read, look up, truncate, roll, flush
    retention.py   which segments may go, and when
    compaction.py  Kafka's log cleaner
    recovery.py    from files to a log that can be trusted
    checkpoint.py  the small text files
    directory.py   a log directory: lock, identity, clean-shutdown marker, its partitions
"""
