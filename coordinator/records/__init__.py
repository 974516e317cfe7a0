"""Keys and values of the internal topics, byte for byte those of Apache Kafka 4.3.1.

framing.py            how a record is put into the key and value of a log record
cluster.py            `__cluster_metadata`
offsets.py            `__consumer_offsets`: offsets and classic groups; `RECORDS` knows the types of all groups
consumer_groups.py    ... KIP-848 consumer groups
share_groups.py       ... share groups
streams_groups.py     ... streams groups
transactions.py       `__transaction_state`
share_state.py        `__share_group_state`
consumer_protocol.py  subscriptions and assignments, which members of classic groups exchange
"""
