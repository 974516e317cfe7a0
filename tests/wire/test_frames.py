"""Frames come out whole whatever the pieces they arrive in, and stay what they are; nonsense is named."""

import random
import struct

import pytest

from odradek.wire import frames
from odradek.wire.apis.api_versions import ApiVersionsRequest, ApiVersionsResponse
from odradek.wire.apis.heartbeat import HeartbeatRequest, HeartbeatResponse
from odradek.wire.errors import ProtocolError
from odradek.wire.frames import (
    CHUNK_LIMIT,
    FIRST_CHUNK,
    GROWTH,
    FrameBuffer,
    RequestHeader,
    encode_request,
    encode_response,
    read_response_header,
)

MEGABYTE = 1 << 20


def framed(*contents: bytes) -> bytes:
    return b"".join(struct.pack(">i", len(content)) + content for content in contents)


def feed(buffer: FrameBuffer, data: bytes, most: int = 1 << 30) -> list[memoryview]:
    """What comes out when the data arrives in pieces of at most that many bytes."""
    found = []
    while data:
        room = buffer.writable()
        piece = data[: min(len(room), most)]
        room[: len(piece)] = piece
        found += buffer.received(len(piece))
        data = data[len(piece) :]
    return found


class TestFrameBuffer:
    @pytest.mark.parametrize("most", [1, 3, 1000, 70_000])
    def test_frames_arrive_in_any_pieces(self, most: int) -> None:
        rng = random.Random(most)
        sizes = [0, 1, 3, 100, FIRST_CHUNK - 4, FIRST_CHUNK - 3, 5000, 3 * CHUNK_LIMIT if most > 3 else 9000]
        contents = [rng.randbytes(rng.choice(sizes)) for _ in range(60)]
        found = feed(FrameBuffer(MEGABYTE), framed(*contents), most)
        assert [bytes(each) for each in found] == contents, "also after everything that came later"

    def test_a_frame_stays_what_it_is_while_others_arrive(self) -> None:
        buffer = FrameBuffer(MEGABYTE)
        kept = feed(buffer, framed(b"k" * 100))[0]
        for _ in range(100):
            feed(buffer, framed(b"x" * 3000))
        assert bytes(kept) == b"k" * 100

    def test_frames_are_writable_views_of_the_buffer(self) -> None:
        buffer = FrameBuffer(MEGABYTE)
        room = buffer.writable()
        room[:7] = framed(b"abc")
        (frame,) = buffer.received(7)
        room[4] = ord("A")
        assert frame == b"Abc"
        frame[1] = ord("B")
        assert room[5] == ord("B")

    def test_an_announced_size_takes_no_memory(self) -> None:
        buffer = FrameBuffer(100 * MEGABYTE)
        feed(buffer, struct.pack(">i", 99 * MEGABYTE))
        for arrived in (1, 5000, 50_000, 500_000):
            feed(buffer, bytes(arrived))
            assert len(buffer.writable()) <= max(CHUNK_LIMIT, GROWTH * len(buffer))

    def test_a_large_frame_is_copied_only_a_few_times(self, monkeypatch: pytest.MonkeyPatch) -> None:
        copied = []
        replace = FrameBuffer._replace
        monkeypatch.setattr(FrameBuffer, "_replace", lambda self, size: (copied.append(len(self)), replace(self, size)))
        size = 8 * MEGABYTE
        (frame,) = feed(FrameBuffer(size), framed(bytes(size)), most=CHUNK_LIMIT)
        assert len(frame) == size
        assert sum(copied) < size / 2

    def test_the_buffer_of_a_quiet_connection_is_small(self) -> None:
        buffer = FrameBuffer(MEGABYTE)
        for _ in range(1000):
            feed(buffer, framed(b"heartbeat"))
        assert len(buffer.writable()) <= FIRST_CHUNK

    @pytest.mark.parametrize(
        ("data", "complaint"),
        [
            (struct.pack(">i", -1), "announces -1 bytes"),
            (struct.pack(">i", 1001), "announces 1001 bytes, more than the 1000 of socket.request.max.bytes"),
            (b"GET / HTTP/1.1\r\n", "speaks HTTP"),
            (b"OPTIONS * HTTP/1.1\r\n", "speaks HTTP"),
            (bytes.fromhex("16030100f8010000f40303"), "speaks TLS"),
        ],
    )
    def test_nonsense_is_named_after_the_frames_before_it(self, data: bytes, complaint: str) -> None:
        buffer = FrameBuffer(1000)
        room = buffer.writable()
        whole = framed(b"fine") + data
        room[: len(whole)] = whole
        arriving = buffer.received(len(whole))
        assert next(arriving) == b"fine"
        with pytest.raises(ProtocolError, match=complaint):
            next(arriving)

    def test_bytes_count_even_if_nobody_asks_for_frames(self) -> None:
        buffer = FrameBuffer(1000)
        buffer.writable()[:7] = framed(b"abc")
        buffer.received(7)
        assert len(buffer) == 7
        buffer.writable()[:7] = framed(b"def")
        assert list(buffer.received(7)) == [b"abc", b"def"]

    def test_a_frame_of_the_very_limit_passes(self) -> None:
        assert feed(FrameBuffer(1000), framed(bytes(1000))) == [bytes(1000)]


class TestHeaders:
    @pytest.mark.parametrize("version", [3, 4])
    @pytest.mark.parametrize("client_id", [None, "", "client-1", "Ünï"])
    def test_request_header(self, version: int, client_id: str | None) -> None:
        request = HeartbeatRequest(group_id="g")
        data = encode_request(request, version, 77, client_id)
        (frame,) = feed(FrameBuffer(1000), data)
        header = RequestHeader.read(frame)
        assert header[:4] == (12, version, 77, client_id)
        assert HeartbeatRequest.decode_from(frame, version, header.size) == (request, len(frame))

    def test_tagged_fields_of_a_request_header_are_skipped(self) -> None:
        plain = encode_request(HeartbeatRequest(), 4, 1, "c")[4:]
        head = RequestHeader.read(plain).size
        tagged = plain[: head - 1] + bytes.fromhex("0200026162ac0200") + plain[head:]
        assert RequestHeader.read(tagged) == RequestHeader.read(plain)._replace(size=head + 7)

    @pytest.mark.parametrize(
        "data",
        [
            "",
            "000c0004000000",
            "000c000400000001",
            pytest.param("000c00040000000100056161", id="client id beyond the end"),
            pytest.param("000c0004000000010002fffe00", id="client id that is not UTF-8"),
            pytest.param("000c000400000001ffff", id="no tagged fields"),
            pytest.param("000c000400000001ffff01000561", id="tagged field beyond the end"),
            pytest.param("03e7000000000001ffff", id="unknown API"),
            pytest.param("0004000000000001ffff", id="API that went away"),
        ],
    )
    def test_a_bad_request_header_is_a_protocol_error(self, data: str) -> None:
        with pytest.raises(ProtocolError):
            RequestHeader.read(bytes.fromhex(data))

    def test_a_version_from_the_future_has_a_readable_header(self) -> None:
        newest = encode_request(ApiVersionsRequest(), 4, 5, "c")[4:]
        assert RequestHeader.read(newest[:2] + b"\x00\x63" + newest[4:])[:4] == (18, 99, 5, "c")

    def test_response_headers(self) -> None:
        for version, size in ((3, 4), (4, 5)):
            frame = encode_response(HeartbeatRequest, HeartbeatResponse(error_code=27), version, 9)[4:]
            assert read_response_header(frame, HeartbeatRequest, version) == (9, size)
            assert HeartbeatResponse.decode_from(frame, version, size) == (HeartbeatResponse(error_code=27), len(frame))

    def test_the_response_header_of_api_versions_is_never_flexible(self) -> None:
        frame = encode_response(ApiVersionsRequest, ApiVersionsResponse(), 4, 9)[4:]
        assert read_response_header(frame, ApiVersionsRequest, 4) == (9, 4)
        assert not frames.has_flexible_response_header(ApiVersionsRequest, 4)

    @pytest.mark.parametrize("data", ["000000", "00000001", "0000000101"])
    def test_a_bad_response_header_is_a_protocol_error(self, data: str) -> None:
        with pytest.raises(ProtocolError):
            read_response_header(bytes.fromhex(data), HeartbeatRequest, 4)
