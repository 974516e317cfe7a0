"""The small text files, byte for byte as Kafka writes them, and what is wrong with bad ones."""

import pytest

from odradek.storage import checkpoint
from odradek.wire import uuids


def test_offsets_have_kafkas_bytes() -> None:
    data = b"0\n1\nfoo 1 42\n"
    assert checkpoint.encode_offsets({("foo", 1): 42}) == data
    assert checkpoint.decode_offsets(data) == {("foo", 1): 42}
    assert checkpoint.encode_offsets({}) == b"0\n0\n"
    assert checkpoint.decode_offsets(b"") == {}


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"1\n0\n", "version"),
        (b"0\n", "how many"),
        (b"0\nx\n", "how many"),
        (b"0\n2\nfoo 1 42\n", "1 entries and claims 2"),
        (b"0\n1\nfoo 1 42\nfoo 2 42\n", "2 entries and claims 1"),
        (b"0\n1\nfoo 1\n", "2 fields"),
        (b"0\n1\nfoo 1 -42\n", "'-42' is not"),
        (b"0\n1\nfoo x 42\n", "'x' is not"),
        (b"0\n1\nfoo 1 99999999999999999999\n", "is not"),
        (b"0\n2\nfoo 1 42\nfoo 1 43\n", "two entries"),
        (b"0\n1\nfoo 1 4", "within a line"),
        (b"\xff\xfe", "not text"),
    ],
)
def test_damaged_offsets_are_told_apart_from_good_ones(data: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        checkpoint.decode_offsets(data)


def test_epochs_have_kafkas_bytes() -> None:
    data = b"0\n2\n0 0\n3 17\n"
    assert checkpoint.encode_epochs([(0, 0), (3, 17)]) == data
    assert checkpoint.decode_epochs(data) == [(0, 0), (3, 17)]


@pytest.mark.parametrize("data", [b"0\n2\n3 17\n0 20\n", b"0\n2\n0 17\n3 16\n", b"0\n1\n0\n"])
def test_epochs_that_do_not_grow_are_damaged(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"follow|fields"):
        checkpoint.decode_epochs(data)


def test_partition_metadata_has_kafkas_bytes() -> None:
    topic_id = uuids.from_text("ESIzRFVmd4iZqrvM3e7_AA")
    data = b"version: 0\ntopic_id: ESIzRFVmd4iZqrvM3e7_AA"
    assert checkpoint.encode_partition_metadata(topic_id) == data
    assert checkpoint.decode_partition_metadata(data) == topic_id
    assert checkpoint.decode_partition_metadata(data + b"\n") == topic_id
    for bad in (b"version: 0\n", b"version: 0\ntopic_id: short", b"version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA"):
        with pytest.raises(ValueError, match=r"topic id|uuid"):
            checkpoint.decode_partition_metadata(bad)


def test_properties_are_javas() -> None:
    values = {"node.id": "1", "cluster.id": "a=b:c #d\\e ü \U0001f600"}
    data = checkpoint.encode_properties(values, 1_795_263_308_000)
    assert data.startswith(b"#\n#Sat Nov 21 12:15:08 UTC 2026\nnode.id=1\ncluster.id=")
    assert data.isascii()
    assert checkpoint.decode_properties(data) == values
    edited = b"# mine\n! too\n\n  version : 1 \nkey value\nempty=\n"
    assert checkpoint.decode_properties(edited) == {"version": "1 ", "key": "value", "empty": ""}


def test_the_clean_shutdown_marker_has_kafkas_bytes() -> None:
    assert checkpoint.encode_clean_shutdown(123) == b'{"version":0,"brokerEpoch":123}'
    assert checkpoint.decode_clean_shutdown(b'{"version":0,"brokerEpoch":123}') == 123
    for unreadable in (b"", b"{", b"[]", b'{"version":0}', b'{"brokerEpoch":"x"}', b'{"brokerEpoch":true}'):
        assert checkpoint.decode_clean_shutdown(unreadable) == -1
