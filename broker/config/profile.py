"""The development profile: where a single local broker needs another value than Kafka's default, and nothing else.

A value in server.properties or on the command line takes precedence. `odradek serve --help`, the README and
docs/configuration.md show this table; nobody else repeats it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class ProfileRow(NamedTuple):
    name: str
    value: str
    reason: str


PROFILE: tuple[ProfileRow, ...] = (
    ProfileRow("node.id", "1", "Kafka has no default"),
    ProfileRow("process.roles", "broker,controller", "Kafka has no default"),
    ProfileRow("listeners", "PLAINTEXT://127.0.0.1:9092", "only this machine, until you say otherwise"),
    ProfileRow("log.dirs", "./odradek-data", "beside your work instead of in /tmp"),
    ProfileRow("offsets.topic.replication.factor", "1", "there is one broker"),
    ProfileRow("transaction.state.log.replication.factor", "1", "there is one broker"),
    ProfileRow("transaction.state.log.min.isr", "1", "there is one broker"),
    ProfileRow("share.coordinator.state.topic.replication.factor", "1", "there is one broker"),
    ProfileRow("share.coordinator.state.topic.min.isr", "1", "there is one broker"),
    ProfileRow("group.initial.rebalance.delay.ms", "0", "the first consumer of a group starts at once"),
)


def profile_lines() -> list[str]:
    """The profile as lines of `name=value   reason` in columns."""
    width = max(len(f"{name}={value}") for name, value, _ in PROFILE)
    return [f"{f'{name}={value}':{width}}   {reason}" for name, value, reason in PROFILE]


DEVELOPMENT_PROFILE: Mapping[str, str] = MappingProxyType({row.name: row.value for row in PROFILE})
