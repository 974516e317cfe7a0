"""The codecs against the containers of other implementations, and against mangled and malicious ones."""

import gzip
import random
import tracemalloc
import zlib
from pathlib import Path

import cramjam
import pytest
from aiokafka import codec as aiokafka_codec

from odradek.wire.batches import HEADER_BYTES, iter_batches
from odradek.wire.compression import (
    Compression,
    CompressionError,
    InflatedTooLarge,
    check_start,
    compress,
    decompress,
)

DATA = Path(__file__).parents[1] / "data" / "batches"
CODECS = [Compression.GZIP, Compression.SNAPPY, Compression.LZ4, Compression.ZSTD]
RANDOM = random.Random(7).randbytes(150_000)
SAMPLES = {
    "empty": b"",
    "one byte": b"x",
    "text": b"hello world " * 30_000,
    "random": RANDOM,
    "mixed": RANDOM[:1000] + bytes(200_000) + RANDOM[1000:70_000],
}
PLAIN = SAMPLES["mixed"]

THEIR_ENCODERS = {
    Compression.GZIP: aiokafka_codec.gzip_encode,
    Compression.SNAPPY: aiokafka_codec.snappy_encode,
    Compression.LZ4: aiokafka_codec.lz4_encode,
    Compression.ZSTD: aiokafka_codec.zstd_encode,
}
THEIR_DECODERS = {
    Compression.GZIP: aiokafka_codec.gzip_decode,
    Compression.SNAPPY: aiokafka_codec.snappy_decode,
    Compression.LZ4: aiokafka_codec.lz4_decode,
    Compression.ZSTD: aiokafka_codec.zstd_decode,
}


@pytest.mark.parametrize("codec", list(Compression))
@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_compressed_comes_back(codec: Compression, name: str) -> None:
    data = SAMPLES[name]
    assert decompress(codec, compress(codec, data), len(data)) == data
    assert decompress(codec, memoryview(compress(codec, memoryview(data))), len(data)) == data


@pytest.mark.parametrize("codec", CODECS)
def test_aiokafka_reads_ours_and_we_read_theirs(codec: Compression) -> None:
    assert bytes(THEIR_DECODERS[codec](compress(codec, PLAIN))) == PLAIN
    assert decompress(codec, THEIR_ENCODERS[codec](PLAIN), len(PLAIN)) == PLAIN


WORDS = [random.Random(1).randbytes(3 + i % 9) for i in range(200)]
PROSE = b"".join(random.Random(2).choices(WORDS, k=30_000))


@pytest.mark.parametrize(
    ("codec", "low", "high"), [(Compression.GZIP, 1, 9), (Compression.LZ4, 1, 17), (Compression.ZSTD, -5, 19)]
)
def test_levels(codec: Compression, low: int, high: int) -> None:
    fast, thorough = compress(codec, PROSE, low), compress(codec, PROSE, high)
    assert len(thorough) < 0.9 * len(fast)
    for data in (fast, thorough):
        assert decompress(codec, data, len(PROSE)) == PROSE
        assert bytes(THEIR_DECODERS[codec](data)) == PROSE
    assert decompress(codec, compress(codec, RANDOM, high), len(RANDOM)) == RANDOM


def test_the_java_clients_snappy_and_lz4_bytes_are_ours() -> None:
    log = (DATA / "t-0.log").read_bytes()
    for pos, header in iter_batches(log):
        payload = log[pos + HEADER_BYTES : pos + header.size]
        plain = decompress(header.compression, payload, 10_000)
        if header.compression in (Compression.SNAPPY, Compression.LZ4):
            assert compress(header.compression, plain) == payload


@pytest.mark.parametrize("level", [1, 9, 12])
def test_lz4_frames_have_independent_blocks_of_64k_without_checksums(level: int) -> None:
    frame = compress(Compression.LZ4, RANDOM, level)
    assert frame[:7].hex() == "04224d18604082"
    sizes, pos = [], 7
    while size := int.from_bytes(frame[pos : pos + 4], "little"):
        sizes.append(size & 0x7FFF_FFFF)
        pos += 4 + sizes[-1]
    assert sizes == [65536, 65536, len(RANDOM) - 131072]  # random bytes are stored as they are
    assert frame[pos:] == bytes(4)


def test_snappy_is_read_as_one_raw_block_too() -> None:
    assert decompress(Compression.SNAPPY, bytes(cramjam.snappy.compress_raw(PLAIN)), len(PLAIN)) == PLAIN


@pytest.mark.parametrize("codec", CODECS)
def test_concatenated_members_are_one_stream(codec: Compression) -> None:
    both = compress(codec, PLAIN) + compress(codec, b"") + compress(codec, b"the end")
    assert decompress(codec, both, len(PLAIN) + 7) == PLAIN + b"the end"
    with pytest.raises(InflatedTooLarge):
        decompress(codec, both, len(PLAIN) + 6)


@pytest.mark.parametrize("codec", list(Compression))
def test_the_limit_is_exact(codec: Compression) -> None:
    with pytest.raises(InflatedTooLarge):
        decompress(codec, compress(codec, PLAIN), len(PLAIN) - 1)
    with pytest.raises(InflatedTooLarge):
        decompress(codec, compress(codec, b"x"), 0)


def bombs() -> dict[str, tuple[Compression, bytes]]:
    zeros = bytes(1 << 20)
    block = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(block.compress(zeros) for _ in range(100)) + block.flush()
    zstd_run = bytes.fromhex("28b52ffd0058") + b"\x02\x00\x10\x00" * 2000 + b"\x03\x00\x10\x00"
    lz4_block = bytes(cramjam.lz4.compress_block(bytes(4 << 20), store_size=False))
    lz4_bomb = bytes.fromhex("04224d18607073") + (len(lz4_block).to_bytes(4, "little") + lz4_block) * 50 + bytes(4)
    snappy_block = bytes(cramjam.snappy.compress_raw(bytes(1 << 20)))
    xerial = compress(Compression.SNAPPY, b"") + (len(snappy_block).to_bytes(4, "big") + snappy_block) * 100
    return {
        "gzip": (Compression.GZIP, bomb),
        "gzip members": (Compression.GZIP, gzip.compress(b"") * 10_000),
        "zstd": (Compression.ZSTD, zstd_run),
        "zstd that promises little": (Compression.ZSTD, bytes.fromhex("28b52ffd2010") + zstd_run[6:]),
        "lz4": (Compression.LZ4, lz4_bomb),
        "snappy": (Compression.SNAPPY, xerial),
        "snappy's promise": (Compression.SNAPPY, b"\xff\xff\xff\xff\x0fabc"),
    }


@pytest.mark.parametrize("name", bombs())
def test_a_bomb_is_refused_without_being_inflated(name: str) -> None:
    codec, data = bombs()[name]
    limit = 2 << 20
    tracemalloc.start()
    try:
        with pytest.raises(CompressionError):
            decompress(codec, data, limit)
        assert tracemalloc.get_traced_memory()[1] < 2.5 * limit + len(data)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("codec", CODECS)
def test_mangled_data_raises_one_kind_of_error(codec: Compression) -> None:
    data = compress(codec, RANDOM[:200] + b"abcabcabcabc" * 20)
    mangled = [b"", b"garbage!garbage!", data + b"xyz", data + bytes(16), b"\0" + data]
    mangled += [data[:cut] for cut in range(1, len(data)) if (codec, cut) != (Compression.SNAPPY, 16)]
    for bad in mangled:
        with pytest.raises(CompressionError):
            decompress(codec, bad, 10_000)


@pytest.mark.parametrize("codec", CODECS)
def test_flipped_bits_raise_nothing_else(codec: Compression) -> None:
    data = compress(codec, RANDOM[:100] + b"abcabcabcabc" * 20)
    for bit in range(8 * len(data)):
        mangled = bytearray(data)
        mangled[bit // 8] ^= 1 << bit % 8
        try:
            decompress(codec, mangled, 10_000)
        except CompressionError:
            continue


def linked_lz4() -> bytes:
    compressor = cramjam.lz4.Compressor(block_linked=True)
    compressor.compress(PLAIN)
    return bytes(compressor.finish())


def test_linked_lz4_blocks_are_refused_as_kafka_does() -> None:
    with pytest.raises(CompressionError, match="linked"):
        decompress(Compression.LZ4, linked_lz4(), len(PLAIN))


def test_lz4_checksums_are_verified() -> None:
    compressor = cramjam.lz4.Compressor(block_linked=False, content_checksum=True)
    compressor.compress(PLAIN)
    frame = bytearray(compressor.finish())
    assert decompress(Compression.LZ4, frame, len(PLAIN)) == PLAIN
    for at in (6, len(frame) - 1, len(frame) - 9):  # of header, content and last block
        mangled = frame.copy()
        mangled[at] ^= 1
        with pytest.raises(CompressionError):
            decompress(Compression.LZ4, mangled, len(PLAIN))


def test_skippable_frames_are_skipped() -> None:
    skippable = bytes.fromhex("502a4d18") + (3).to_bytes(4, "little") + b"abc"
    for codec in (Compression.LZ4, Compression.ZSTD):
        assert decompress(codec, skippable + compress(codec, b"data") + skippable, 100) == b"data"


@pytest.mark.parametrize("codec", [5, 6, 7, -1])
def test_codecs_that_do_not_exist(codec: int) -> None:
    with pytest.raises(CompressionError):
        compress(codec, b"")
    with pytest.raises(CompressionError):
        decompress(codec, b"", 100)


def test_a_look_at_the_start_tells_the_wrong_container() -> None:
    for codec in Compression:
        check_start(codec, compress(codec, PLAIN))
    for codec in (Compression.GZIP, Compression.LZ4, Compression.ZSTD):
        for bad in (b"", b"garbage", linked_lz4(), compress(Compression.SNAPPY, PLAIN)):
            with pytest.raises(CompressionError):
                check_start(codec, bad)
