"""DescribeLogDirs: sizes and lags of the partitions in each log directory of a broker."""

from ..schema import Message, Struct, boolean, field, int16, int32, int64, string


class DescribableLogDirTopic(Struct):
    topic: string
    partitions: list[int32]


class DescribeLogDirsRequest(Message, key=35, versions=(1, 5), flexible=2):
    topics: list[DescribableLogDirTopic] | None


class DescribeLogDirsPartition(Struct):
    partition_index: int32
    partition_size: int64
    offset_lag: int64
    is_future_key: boolean


class DescribeLogDirsTopic(Struct):
    name: string
    partitions: list[DescribeLogDirsPartition]


class DescribeLogDirsResult(Struct):
    error_code: int16
    log_dir: string
    topics: list[DescribeLogDirsTopic]
    total_bytes: int64 = field(since=4, default=-1)
    usable_bytes: int64 = field(since=4, default=-1)
    is_cordoned: boolean = field(since=5)


class DescribeLogDirsResponse(Message, answers=DescribeLogDirsRequest):
    throttle_time_ms: int32
    error_code: int16 = field(since=3)
    results: list[DescribeLogDirsResult]
