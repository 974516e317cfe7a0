"""Everything that touches a socket, a clock or a task. trio lives here alone.

A request's way:

    network.py            sockets, behind a narrow interface          connection_limits.py   how many are accepted
    readiness.py          one wait for all sockets, and a turn for each that is ready
    connection.py         one client: frames in, requests in order, replies out
    outbox.py             its replies, until the socket has taken them
    dispatch.py           which handler answers which request         apis/                  one file per API
    partitions.py         the partitions led here: their logs, and who waits for them
    replica_logs.py       their logs, found or made
    log_directories.py    where those are, and what a failing disk does
    fetch_sessions.py     incremental fetches                         response_cache.py      replies that stay true
    encoded_topics.py     parts of such replies
    cluster_view.py       the cluster as one client may see it        authorized_operations.py

The coordinators at work: their decisions are made in `coordinator/`, and carried out here:

    metadata.py           the embedded controller, only writer of the cluster metadata
    metadata_log.py       its log on disk                             producer_ids.py        ids out of its blocks
    metadata_snapshots.py snapshots of that log, now and then
    groups.py             the group coordinator                       transactions.py        the transaction coordinator
    coordinator_runtime.py  for both: which shard is where, loading   coordinator_context.py one shard at work
    coordinator_log.py    a partition as a coordinator's log          slot.py                the place of one reply
    internal_topics.py    how such topics are made                    markers.py             transactions' ends in logs
    verification.py       is a partition part of the transaction?

The process:

    broker.py             holds all parts, starts them in order, stops them in order
    clock.py              time as clients can see it, and timers      housekeeping.py        what is done at intervals
    cleaning.py           compaction, in its turn                     replica_moves.py       moves between directories
    config/               all of Kafka's configuration names          config_changes.py      changes while running
    events.py             what has happened of late, and why
    logs.py               log lines, bounded                          loggers.py             their levels, for clients
    server.py             a broker until it is told to stop           settings.py            what it is told to do
    __main__.py           the command line                            options.py             from options to settings
    foreground.py         ready lines and signals                     formatting.py          `odradek format`
    releases.py           earlier releases of Kafka, to look like
"""
