"""What a follower checks in batches that a leader has numbered already."""

from ..wire.batches import BatchHeader, Buffer, CorruptRecords, check_crc, iter_batches
from ..wire.errors import ErrorCode, KafkaError
from .config import LogConfig


def check_replicated(records: Buffer, log_end_offset: int, config: LogConfig) -> tuple[list[BatchHeader], int]:
    """Headers of the whole batches at the start of `records`, and their size; what a fetch cut off is left out.

    KafkaError unless every CRC is right, offsets grow from the log end on, and all of it fits into a segment.
    """
    headers: list[BatchHeader] = []
    next_offset = log_end_offset
    size = 0
    try:
        for position, header in iter_batches(records):
            base_offset = header.base_offset
            if not check_crc(records, position, header):
                raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"the batch at offset {base_offset} fails its CRC")
            if base_offset < next_offset or header.last_offset_delta < 0:
                raise KafkaError(
                    ErrorCode.OFFSET_OUT_OF_RANGE, f"a batch of offset {base_offset}, expected {next_offset}"
                )
            headers.append(header)
            next_offset = header.next_offset
            size = position + header.size
    except CorruptRecords as error:
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, str(error)) from None
    if size > config.segment_bytes:
        raise KafkaError(ErrorCode.RECORD_LIST_TOO_LARGE, f"{size} bytes do not fit into a segment")
    return headers, size


def gaps_between(headers: list[BatchHeader], log_end_offset: int) -> list[tuple[int, int]]:
    """What batches leave out behind the log end and between them: (first missing offset, first that is there again)."""
    gaps = []
    for header in headers:
        if header.base_offset != log_end_offset:
            gaps.append((log_end_offset, header.base_offset))
        log_end_offset = header.base_offset + header.last_offset_delta + 1
    return gaps
