"""What stock clients and Apache Kafka said to each other decodes, and encodes to the very same bytes."""

import struct

import pytest

from odradek.wire.errors import ProtocolError
from odradek.wire.frames import RequestHeader, encode_request, encode_response, read_response_header
from tests.wire.sessions import CLIENTS, Frame, frames


def decode(frame: Frame, data: bytes | memoryview) -> tuple[object, int]:
    if frame.is_request:
        header = RequestHeader.read(data)
        return frame.request.decode_from(data, header.api_version, header.size)
    _, position = read_response_header(data, frame.request, frame.version)
    return frame.request.response.decode_from(data, frame.version, position)


@pytest.mark.parametrize("client", CLIENTS)
def test_recorded_frames_survive_decoding_and_encoding(client: str) -> None:
    for frame in frames(client):
        data = memoryview(bytearray(frame.data))
        message, end = decode(frame, data)
        assert end == len(data)
        if frame.is_request:
            header = RequestHeader.read(data)
            assert header[:4] == (frame.request.KEY, frame.version, frame.correlation_id, frame.client_id)
            again = encode_request(message, frame.version, frame.correlation_id, frame.client_id)
        else:
            assert read_response_header(data, frame.request, frame.version)[0] == frame.correlation_id
            again = encode_response(frame.request, message, frame.version, frame.correlation_id)
        assert again == struct.pack(">i", len(frame.data)) + frame.data, f"frame {frame.number}"


@pytest.mark.parametrize("client", CLIENTS)
def test_a_recorded_frame_cut_anywhere_is_a_protocol_error(client: str) -> None:
    seen = set()
    for frame in frames(client):
        kind = (frame.request, frame.version, frame.is_request)
        if kind in seen or len(frame.data) > 2000:
            continue
        seen.add(kind)
        for size in range(len(frame.data)):
            with pytest.raises(ProtocolError):
                decode(frame, frame.data[:size])
            with pytest.raises(ProtocolError):
                decode(frame, memoryview(frame.data)[:size])
