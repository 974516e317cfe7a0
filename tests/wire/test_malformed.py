"""Whatever bytes arrive, decoding ends in a message or a ProtocolError, in bounded memory."""

import contextlib
import random
import tracemalloc
from collections.abc import Iterator

import pytest

from odradek.wire.errors import ProtocolError
from odradek.wire.frames import RequestHeader
from odradek.wire.schema import Message
from tests.wire.definitions import DATA, our_messages

MUTATIONS = 40
HOSTILE = (
    b"\xff\xff\xff\xff\x0f",
    b"\x7f\xff\xff\xff",
    b"\x80\x00\x00\x00",
    b"\xff\xff",
    b"\x00",
    b"\xff\x7f",
    b"\x80",
)
BYTES_PER_BYTE = 80
"""How much memory a decoded message may take for each byte that arrived."""


def samples() -> Iterator[tuple[type[Message], int, bytes]]:
    ours = our_messages()
    for line in (DATA / "reencoded-by-kafka.txt").read_text().splitlines():
        name, version, encoded = line.split(" ")
        yield ours[name], int(version), bytes.fromhex(encoded)


def mutated(encoded: bytes, rng: random.Random) -> bytes:
    changed = bytearray(encoded)
    for _ in range(rng.randint(1, 3)):
        position = rng.randrange(len(changed) + 1)
        match rng.randrange(4):
            case 0:
                changed[position : position + 1] = rng.randbytes(1)
            case 1:
                changed[position : position + rng.randrange(6)] = rng.choice(HOSTILE)
            case 2:
                del changed[position : position + rng.randrange(9)]
            case 3:
                changed[position:position] = rng.randbytes(rng.randrange(9))
    return bytes(changed)


def test_mutated_messages_decode_or_are_refused() -> None:
    rng = random.Random(2026)
    outcomes = {True: 0, False: 0}
    for cls, version, encoded in samples():
        for _ in range(MUTATIONS):
            data = mutated(encoded, rng)
            try:
                message, end = cls.decode_from(rng.choice((bytes, bytearray, memoryview))(data), version)
            except ProtocolError:
                outcomes[False] += 1
                continue
            outcomes[True] += 1
            assert end <= len(data)
            message.encode(version)
    assert min(outcomes.values()) > 1000, "the mutations are neither all harmless nor all fatal"


def test_random_bytes_are_no_reason_to_fail_either() -> None:
    rng = random.Random(2027)
    for cls, version, _ in samples():
        for size in (0, 1, 7, 60):
            with contextlib.suppress(ProtocolError):
                cls.decode(rng.randbytes(size), version)
            with contextlib.suppress(ProtocolError):
                RequestHeader.read(rng.randbytes(size))


@pytest.mark.parametrize("filling", [b"\x00", b"\x01"])
def test_memory_follows_the_bytes_that_arrived(filling: bytes) -> None:
    """Counts of all sizes, over bytes that may pass for elements."""
    size = 4_000
    for cls, version, encoded in samples():
        if cls.VERSIONS[1] != version:
            continue
        cls().encode(version)
        for count in HOSTILE[:2]:
            data = encoded[: len(encoded) // 3] + count + filling * size
            tracemalloc.start()
            with contextlib.suppress(ProtocolError):
                cls.decode(data, version)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < BYTES_PER_BYTE * size + 100_000, f"{cls.__name__} v{version} took {peak} bytes"
