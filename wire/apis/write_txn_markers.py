"""WriteTxnMarkers: the transaction coordinator has commit and abort markers written to partitions."""

from ..schema import Message, Struct, boolean, field, int8, int16, int32, int64, string


class WritableTxnMarkerTopic(Struct):
    name: string
    partition_indexes: list[int32]


class WritableTxnMarker(Struct):
    producer_id: int64
    producer_epoch: int16
    transaction_result: boolean
    topics: list[WritableTxnMarkerTopic]
    coordinator_epoch: int32
    transaction_version: int8 = field(since=2)


class WriteTxnMarkersRequest(Message, key=27, versions=(1, 2), flexible=1):
    markers: list[WritableTxnMarker]


class WritableTxnMarkerPartitionResult(Struct):
    partition_index: int32
    error_code: int16


class WritableTxnMarkerTopicResult(Struct):
    name: string
    partitions: list[WritableTxnMarkerPartitionResult]


class WritableTxnMarkerResult(Struct):
    producer_id: int64
    topics: list[WritableTxnMarkerTopicResult]


class WriteTxnMarkersResponse(Message, answers=WriteTxnMarkersRequest):
    markers: list[WritableTxnMarkerResult]
