"""The state machines: each is a fold over a log, decides on requests, and writes nothing itself.

    decide(request) -> effects    append these records, send this reply, arm this timer        effects.py  events.py
    replay(record)                the only function that changes durable state

Whoever runs them (broker/coordinator_context.py, broker/metadata.py) makes the effects happen in order: append, replay,
replies. Nothing in here waits, reads a clock, or knows a socket or a file. Start-up and a change of leadership are
replay of the log, so recovery is the code that always runs.

    coordinator_shard.py   what a shard of groups or of transactions is to whoever hosts it

Groups and committed offsets, from `__consumer_offsets`:

    shard.py       one partition's groups: which request is decided where, replay, loading
    group.py       a classic group: members, protocols, where its rebalance stands
    join.py        JoinGroup                              classic.py    SyncGroup, Heartbeat, LeaveGroup
    rebalance.py   from one generation to the next, and the timers that push it on
    offsets.py     committed offsets and those pending in transactions
    commits.py     OffsetCommit, TxnOffsetCommit          removal.py    deletion and expiry of offsets and groups
    listing.py     ListGroups, DescribeGroups             settings.py   what is configured
    hashing.py     which partition a group or transactional id belongs to

    patterns.py    regular expressions from clients, in linear time        automaton.py  what they become

Transactions, from `__transaction_state`:

    transactions.py         one partition's transactional ids: requests, replay, timers
    transaction.py          one transactional id and how its transaction stands
    transaction_start.py    InitProducerId                transaction_end.py      EndTxn
    transaction_effects.py  what a decision wants beside Append, Arm and Note

The cluster, from `__cluster_metadata`:

    image.py           topics, partitions, brokers, configs: what the metadata log says, and what some records changed
    registrations.py   the values an image is made of
    snapshot.py        an image as records again, and the files that hold them
    controller.py      what decisions share; each of these decides on the image and answers records:
    topics.py  partitions.py  topic_names.py     topics come, grow and go
    brokers.py                                   brokers come, shut down and go
    elections.py  isr.py  leaders.py             who leads a partition, who is in sync
    placement.py  reassignments.py  directories.py   where replicas are
    configs.py  client_metrics.py                what is configured
    features.py  feature_updates.py  producer_ids.py  quotas.py  credentials.py
    record_versions.py  quorum_state.py          in which version records are written; what a voter remembers

    records/       keys and values of all these logs
"""
