"""Every configuration name of Apache Kafka 4.3.1, one row each, by theme.

    node  network  logs  replication  groups  sharing  transactions  tiered  security     configs of a broker
    topics                                                                                configs of a topic
    group_resources                                                                       configs of a group

`rows.py` has the words that the rows are written in.
"""

from collections.abc import Mapping
from types import MappingProxyType

from ..definitions import Definition
from .group_resources import GROUP_RESOURCES
from .groups import GROUPS
from .logs import LOGS
from .network import NETWORK
from .node import NODE
from .replication import REPLICATION
from .security import SECURITY
from .sharing import SHARING
from .tiered import TIERED
from .topics import TOPICS
from .transactions import TRANSACTIONS

THEMES: tuple[tuple[str, tuple[Definition, ...]], ...] = (
    ("The node", NODE),
    ("Network", NETWORK),
    ("Logs and topics", LOGS),
    ("Replication", REPLICATION),
    ("Groups and offsets", GROUPS),
    ("Transactions and producers", TRANSACTIONS),
    ("Share groups", SHARING),
    ("Tiered storage", TIERED),
    ("Security", SECURITY),
)
"""The broker's configs with the headings of docs/configuration.md."""


def _by_name(*tables: tuple[Definition, ...]) -> Mapping[str, Definition]:
    return MappingProxyType({definition.name: definition for table in tables for definition in table})


BROKER_CONFIGS = _by_name(*(table for _, table in THEMES))
TOPIC_CONFIGS = _by_name(TOPICS)
GROUP_CONFIGS = _by_name(GROUP_RESOURCES)
