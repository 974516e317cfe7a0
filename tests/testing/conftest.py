"""One broker for all tests of this folder, as good as new for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from odradek.testing import Broker


@pytest.fixture(scope="session")
def _shared() -> Iterator[Broker]:
    with Broker(topics={"orders": 1}) as running:
        yield running


@pytest.fixture
def broker(_shared: Broker) -> Broker:
    _shared.reset()
    return _shared
