"""Earlier releases of Apache Kafka, as clients see them: which APIs they speak, up to which version.

`odradek serve --as-version 2.8` and `Broker(version="2.8")` of odradek.testing show a client what it would find there:
ApiVersions answers as that release did, as far as we speak those versions too, and anything newer is refused. We speak
no versions that Apache Kafka 4 has dropped, so the lower end is ours.

The table is held against the one that kafka-python took from running brokers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Mapping
from typing import Final

from ..wire.apis.api_versions import ApiVersionsResponse
from ..wire.schema import Message
from .dispatch import Api, Call, Handler, Result, table

API_VERSIONS: Final = 18

FEATURES_SINCE: Final = "4.0"
"""Since this release clients read features, and speak otherwise by them (KIP-890)."""

_TABLE: Final = """
Release 0.11 1.0 1.1 2.0 2.1 2.2 2.3 2.4 2.5 2.6 2.7 2.8 3.0 3.1 3.2 3.3 3.4 3.5 3.6 3.7 3.8 3.9 4.0 4.1 4.2 4.3
Produce                        3  5  5  6  7  7  7  8  8  8  8  9  9  9  9  9  9  9  9 10 11 11 12 13 13 13
Fetch                          5  6  7  8 10 10 11 11 11 11 12 12 12 13 13 13 13 15 15 16 16 17 17 18 18 18
ListOffsets                    2  2  2  3  4  5  5  5  5  5  5  6  7  7  7  7  7  8  8  8  8  9 10 10 11 11
Metadata                       4  5  5  6  7  7  8  9  9  9  9 11 11 12 12 12 12 12 12 12 12 12 13 13 13 13
OffsetCommit                   3  3  3  4  6  6  7  8  8  8  8  8  8  8  8  8  8  8  8  9  9  9  9  9 10 10
OffsetFetch                    3  3  3  4  5  5  5  6  7  7  7  7  8  8  8  8  8  8  8  9  9  9  9  9 10 10
FindCoordinator                1  1  1  2  2  2  2  3  3  3  3  3  4  4  4  4  4  4  4  4  5  6  6  6  6  6
JoinGroup                      2  2  2  3  3  4  5  6  7  7  7  7  7  7  9  9  9  9  9  9  9  9  9  9  9  9
Heartbeat                      1  1  1  2  2  2  3  4  4  4  4  4  4  4  4  4  4  4  4  4  4  4  4  4  4  4
LeaveGroup                     1  1  1  2  2  2  2  4  4  4  4  4  4  4  5  5  5  5  5  5  5  5  5  5  5  5
SyncGroup                      1  1  1  2  2  2  3  4  5  5  5  5  5  5  5  5  5  5  5  5  5  5  5  5  5  5
DescribeGroups                 1  1  1  2  2  2  3  5  5  5  5  5  5  5  5  5  5  5  5  5  5  5  6  6  6  6
ListGroups                     1  1  1  2  2  2  2  3  3  4  4  4  4  4  4  4  4  4  4  4  5  5  5  5  5  5
SaslHandshake                  0  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1
ApiVersions                    1  1  1  2  2  2  2  3  3  3  3  3  3  3  3  3  3  3  3  3  3  4  4  4  4  4
CreateTopics                   2  2  2  3  3  3  3  5  5  5  6  7  7  7  7  7  7  7  7  7  7  7  7  7  7  7
DeleteTopics                   1  1  1  2  3  3  3  4  4  4  5  6  6  6  6  6  6  6  6  6  6  6  6  6  6  6
DeleteRecords                  0  0  0  1  1  1  1  1  1  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2
InitProducerId                 0  0  0  1  1  1  1  2  3  3  4  4  4  4  4  4  4  4  4  4  5  5  5  5  5  5
OffsetForLeaderEpoch           0  0  0  1  2  2  3  3  3  3  3  4  4  4  4  4  4  4  4  4  4  4  4  4  4  4
AddPartitionsToTxn             0  0  0  1  1  1  1  1  1  1  2  3  3  3  3  3  3  3  4  4  5  5  5  5  5  5
AddOffsetsToTxn                0  0  0  1  1  1  1  1  1  1  2  3  3  3  3  3  3  3  3  3  4  4  4  4  4  4
EndTxn                         0  0  0  1  1  1  1  1  1  1  2  3  3  3  3  3  3  3  3  3  4  4  5  5  5  5
WriteTxnMarkers                0  0  0  0  0  0  0  0  0  0  0  1  1  1  1  1  1  1  1  1  1  1  1  1  2  2
TxnOffsetCommit                0  0  0  1  2  2  2  2  3  3  3  3  3  3  3  3  3  3  3  3  4  4  5  5  5  5
DescribeAcls                   0  0  0  1  1  1  1  1  2  2  2  2  2  2  2  3  3  3  3  3  3  3  3  3  3  3
CreateAcls                     0  0  0  1  1  1  1  1  2  2  2  2  2  2  2  3  3  3  3  3  3  3  3  3  3  3
DeleteAcls                     0  0  0  1  1  1  1  1  2  2  2  2  2  2  2  3  3  3  3  3  3  3  3  3  3  3
DescribeConfigs                0  0  1  2  2  2  2  2  2  3  3  4  4  4  4  4  4  4  4  4  4  4  4  4  4  4
AlterConfigs                   0  0  0  1  1  1  1  1  1  1  1  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2
AlterReplicaLogDirs            -  0  0  1  1  1  1  1  1  1  1  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2
DescribeLogDirs                -  0  0  1  1  1  1  1  1  2  2  2  2  2  3  4  4  4  4  4  4  4  4  4  4  5
SaslAuthenticate               -  0  0  0  0  1  1  1  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2
CreatePartitions               -  0  0  1  1  1  1  1  2  2  3  3  3  3  3  3  3  3  3  3  3  3  3  3  3  3
CreateDelegationToken          -  -  0  1  1  1  1  2  2  2  2  2  2  2  2  3  3  3  3  3  3  3  3  3  3  3
RenewDelegationToken           -  -  0  1  1  1  1  1  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2
ExpireDelegationToken          -  -  0  1  1  1  1  1  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2
DescribeDelegationToken        -  -  0  1  1  1  1  1  2  2  2  2  2  2  2  3  3  3  3  3  3  3  3  3  3  3
DeleteGroups                   -  -  0  1  1  1  1  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2
ElectLeaders                   -  -  -  -  -  0  0  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2  2
IncrementalAlterConfigs        -  -  -  -  -  -  0  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1
AlterPartitionReassignments    -  -  -  -  -  -  -  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  1  1  1
ListPartitionReassignments     -  -  -  -  -  -  -  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0
OffsetDelete                   -  -  -  -  -  -  -  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0
DescribeClientQuotas           -  -  -  -  -  -  -  -  -  0  0  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1
AlterClientQuotas              -  -  -  -  -  -  -  -  -  0  0  1  1  1  1  1  1  1  1  1  1  1  1  1  1  1
DescribeUserScramCredentials   -  -  -  -  -  -  -  -  -  -  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0
AlterUserScramCredentials      -  -  -  -  -  -  -  -  -  -  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0
DescribeQuorum                 -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  2  2  2  2
AlterPartition                 -  -  -  -  -  -  -  -  -  -  0  0  0  0  1  2  2  3  3  3  3  3  -  -  -  -
UpdateFeatures                 -  -  -  -  -  -  -  -  -  -  0  0  0  0  0  1  1  1  1  1  1  1  2  2  2  2
DescribeCluster                -  -  -  -  -  -  -  -  -  -  -  0  0  0  0  0  0  0  0  1  1  1  2  2  2  2
DescribeProducers              -  -  -  -  -  -  -  -  -  -  -  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0
UnregisterBroker               -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  0  0  0  0
DescribeTransactions           -  -  -  -  -  -  -  -  -  -  -  -  0  0  0  0  0  0  0  0  0  0  0  0  0  0
ListTransactions               -  -  -  -  -  -  -  -  -  -  -  -  0  0  0  0  0  0  0  0  1  1  1  2  2  2
AllocateProducerIds            -  -  -  -  -  -  -  -  -  -  -  -  0  0  0  0  0  0  0  0  0  0  -  -  -  -
ConsumerGroupHeartbeat         -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  0  0  0  1  1  1  1
ConsumerGroupDescribe          -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  0  0  1  1  1  1
ListConfigResources            -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  0  1  1  1
DescribeTopicPartitions        -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  0  0  0  0
ShareGroupHeartbeat            -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  1  1  1
ShareGroupDescribe             -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  1  1  1
ShareFetch                     -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  1  2  2
ShareAcknowledge               -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  1  2  2
AddRaftVoter                   -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  0  0  1  1
RemoveRaftVoter                -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  0  0  0  0
InitializeShareGroupState      -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  0  0  0
ReadShareGroupState            -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  0  0  0
WriteShareGroupState           -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  0  1  1
DeleteShareGroupState          -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  0  0  0
ReadShareGroupStateSummary     -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  0  1  1
StreamsGroupHeartbeat          -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  0  0
StreamsGroupDescribe           -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  0  0
DescribeShareGroupOffsets      -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  0  1  1
AlterShareGroupOffsets         -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  0  0  0
DeleteShareGroupOffsets        -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  0  0  0
"""
"""The highest version of each API in each release, in their order; - where the release does not have it."""

RELEASES: Final = tuple(_TABLE.split("\n", 2)[1].split()[1:])


def highest(release: str) -> dict[str, int]:
    """The APIs of a release and their highest versions. KeyError if there is no such release."""
    if release not in RELEASES:
        raise KeyError(release)
    column = RELEASES.index(release)
    rows = (line.split() for line in _TABLE.strip().splitlines()[1:])
    return {name: int(versions[column]) for name, *versions in rows if versions[column] != "-"}


def apis_of(release: str) -> Mapping[int, Api]:
    """What to serve to look like a release. KeyError if there is no such release."""
    theirs = highest(release)
    shown: dict[int, Api] = {}
    for key, api in table().items():
        low, high = api.versions[0], min(api.versions[1], theirs.get(api.name, -1))
        if low <= high:
            shown[key] = dataclasses.replace(api, versions=(low, high), advertised=(api.advertised[0], high))
    if RELEASES.index(release) < RELEASES.index(FEATURES_SINCE):
        plain = shown[API_VERSIONS]
        shown[API_VERSIONS] = dataclasses.replace(plain, handler=_without_features(plain.handler))
    return shown


def _without_features(handler: Handler) -> Handler:
    def api_versions(request: Message, call: Call) -> Result | Awaitable[Result]:
        answer = handler(request, call)
        response = ApiVersionsResponse.decode(answer, call.version) if isinstance(answer, bytes) else answer
        assert isinstance(response, ApiVersionsResponse), "ApiVersions answers at once"
        response.supported_features, response.finalized_features = [], []
        response.finalized_features_epoch = -1
        return response

    return api_versions
