"""Looking like an earlier Kafka: what is advertised, what is refused, and what stock clients make of it."""

from __future__ import annotations

import pytest
from kafka.protocol.broker_version_data import BROKER_API_VERSIONS

from odradek.broker.config import ConfigError
from odradek.broker.dispatch import table
from odradek.broker.options import ServeOptions, gather
from odradek.broker.releases import RELEASES, apis_of, highest
from odradek.testing import Broker
from tests.testing.clients import confluent_consumer, kafka_python_producer, poll


@pytest.mark.parametrize("release", RELEASES)
def test_the_versions_are_those_of_running_brokers(release: str) -> None:
    theirs = BROKER_API_VERSIONS[tuple(map(int, release.split(".")))]
    ours = highest(release)
    for key, api in table().items():
        assert ours.get(api.name, -1) == theirs.get(key, (0, -1))[1], api.name


@pytest.mark.parametrize("release", RELEASES)
def test_nothing_is_shown_that_we_do_not_speak(release: str) -> None:
    for key, api in apis_of(release).items():
        low, high = api.versions
        assert table()[key].versions[0] == low <= high <= table()[key].versions[1]


@pytest.mark.parametrize("release", ["0.11", "2.8", "3.9", "4.0"])
def test_clients_speak_as_they_would_to_that_release(release: str) -> None:
    limits = highest(release)
    with Broker(topics=["t"], version=release) as broker:
        producer = kafka_python_producer(broker)
        producer.send("t", b"v").get(10)
        producer.close()
        consumer = confluent_consumer(broker)
        consumer.subscribe(["t"])
        assert poll(consumer) == [b"v"]
        consumer.commit(asynchronous=False)
        consumer.close()
        spoken = {request.api: request.version for request in broker.requests()}
        assert {"Produce", "Fetch", "JoinGroup", "OffsetCommit"} <= spoken.keys()
        for api, version in spoken.items():
            # A client asks for ApiVersions in its own version first.
            assert version <= limits[api] or api == "ApiVersions"


def test_a_release_that_never_was_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no release '2\.9'.* 2\.8"):
        Broker(version="2.9")
    with pytest.raises(ConfigError, match=r"--as-version 2\.9: known are .* 2\.8"):
        gather(ServeOptions(as_version="2.9"))


def test_the_command_line_takes_a_release() -> None:
    settings, _ = gather(ServeOptions(as_version="2.8"))
    assert settings.as_version == "2.8"
