"""ApiVersions: the first thing that every client asks, and the one answer that must be readable to all of them."""

import pathlib
import re
import struct

import pytest

from .connection import Connection

UNSUPPORTED_VERSION = 35
INVALID_REQUEST = 42
KAFKA = {
    int(key): (int(low), int(high or low))
    for key, low, high in re.findall(
        r"\((\d+)\): (\d+)(?: to (\d+))?", (pathlib.Path(__file__).parent / "api-versions-4.3.1.txt").read_text()
    )
}
"""What Apache Kafka 4.3.1 advertises to clients."""


@pytest.mark.parametrize("version", range(5))
def test_every_version_is_answered(connection: Connection, version: int) -> None:
    """With a response header of version 0, without tagged fields, also where the body has them (KIP-511)."""
    connection.send("ApiVersions", version, client_software_name="raw", client_software_version="1.0")
    frame = connection.receive()
    correlation_id, error_code = struct.unpack_from(">ih", frame)
    assert (correlation_id, error_code) == (1, 0)


def test_what_is_advertised_is_what_kafka_advertises(connection: Connection) -> None:
    """Not necessarily every API, but each in Kafka's full range; Produce from 0, although 0 to 2 are refused."""
    found = connection.call("ApiVersions", 4, client_software_name="raw", client_software_version="1.0")
    advertised = {each.api_key: (each.min_version, each.max_version) for each in found.api_keys}
    assert advertised == {key: KAFKA.get(key) for key in advertised}
    assert advertised[0] == (0, 13)


def test_all_versions_tell_the_same(connection: Connection) -> None:
    answers = [
        connection.call("ApiVersions", version, client_software_name="raw", client_software_version="1.0")
        for version in range(5)
    ]
    ranges = [[(each.api_key, each.min_version, each.max_version) for each in answer.api_keys] for answer in answers]
    assert all(each == ranges[0] for each in ranges)


@pytest.mark.parametrize("version", [5, 99, 32767])
def test_an_unknown_version_is_answered_in_version_0(connection: Connection, version: int) -> None:
    """The error and the range of ApiVersions itself; the connection stays, so that the client can ask again."""
    connection.send_frame(struct.pack(">hhih3s", 18, version, 7, 3, b"raw") + b"\x00\x04raw\x041.0\x00")
    frame = connection.receive()
    correlation_id, error_code, count = struct.unpack_from(">ihi", frame)
    assert (correlation_id, error_code) == (7, UNSUPPORTED_VERSION)
    entries = [struct.unpack_from(">hhh", frame, 10 + 6 * index) for index in range(count)]
    assert len(frame) == 10 + 6 * count
    assert (18, 0, 4) in entries
    assert connection.call("ApiVersions", 0).error_code == 0


@pytest.mark.parametrize("name", ["", "with blanks", "-dash-first", "ünicode"])
def test_a_strange_client_name_is_refused(connection: Connection, name: str) -> None:
    """Name and version of a client's software have a form (KIP-511)."""
    connection.send("ApiVersions", 3, client_software_name=name, client_software_version="1.0")
    correlation_id, error_code = struct.unpack_from(">ih", connection.receive())
    assert (correlation_id, error_code) == (1, INVALID_REQUEST)
