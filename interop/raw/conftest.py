"""Fixtures of the raw tests."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from ..broker import wait_for
from .connection import Connection


@pytest.fixture
def connection(bootstrap: str) -> Iterator[Connection]:
    """A socket of the test's own to the shared broker."""
    with contextlib.closing(Connection(bootstrap)) as connection:
        yield connection


@pytest.fixture
def make_topic(connection: Connection, make_topic: Callable[..., str]) -> Callable[..., str]:
    """Creates a topic, and waits until its partitions are led: no client tries again here."""

    def make(partitions: int = 1, **configs: str) -> str:
        name = make_topic(partitions, **configs)
        asked = [{"partition_index": index, "timestamp": -1} for index in range(partitions)]

        def led() -> bool:
            answer = connection.call("ListOffsets", 5, topics=[{"name": name, "partitions": asked}])
            return all(each.error_code == 0 for each in answer.topics[0].partitions)

        wait_for(led, "all partitions are led")
        return name

    return make


@pytest.fixture
def group(connection: Connection, group: str) -> str:
    """A group of the test's own whose coordinator is ready to answer."""

    def ready() -> bool:
        found = connection.call("FindCoordinator", 2, key=group, key_type=0)
        listed = connection.call("OffsetFetch", 7, group_id=group, topics=None)
        return bool(found.error_code == 0 and listed.error_code == 0)

    wait_for(ready, "the coordinator is ready")
    return group
