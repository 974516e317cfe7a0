"""Admin requests, good and bad, in the order in which they are sent to one fresh broker.

`tests/data/cluster/answers.tsv` has the error codes that Apache Kafka 4.3.1 gives to each. To record it again, start a
broker of one node with auto.create.topics.enable=false and offsets.topic.num.partitions=3, and run

    python tests/broker/admin_cases.py HOST PORT > tests/data/cluster/answers.tsv
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from odradek.wire.apis import alter_client_quotas as quotas
from odradek.wire.apis import alter_configs as replacing
from odradek.wire.apis import describe_client_quotas as quota_filters
from odradek.wire.apis import describe_topic_partitions as pages
from odradek.wire.apis.add_raft_voter import AddRaftVoterRequest, Listener
from odradek.wire.apis.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from odradek.wire.apis.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    ScramCredentialDeletion,
    ScramCredentialUpsertion,
)
from odradek.wire.apis.create_acls import AclCreation, CreateAclsRequest
from odradek.wire.apis.create_delegation_token import CreateDelegationTokenRequest
from odradek.wire.apis.create_partitions import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)
from odradek.wire.apis.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from odradek.wire.apis.delete_acls import DeleteAclsFilter, DeleteAclsRequest
from odradek.wire.apis.delete_topics import DeleteTopicsRequest, DeleteTopicState
from odradek.wire.apis.describe_acls import DescribeAclsRequest
from odradek.wire.apis.describe_cluster import DescribeClusterRequest
from odradek.wire.apis.describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from odradek.wire.apis.describe_delegation_token import DescribeDelegationTokenRequest
from odradek.wire.apis.describe_quorum import DescribeQuorumRequest, PartitionData, TopicData
from odradek.wire.apis.describe_user_scram_credentials import DescribeUserScramCredentialsRequest, UserName
from odradek.wire.apis.elect_leaders import ElectLeadersRequest, TopicPartitions
from odradek.wire.apis.expire_delegation_token import ExpireDelegationTokenRequest
from odradek.wire.apis.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from odradek.wire.apis.init_producer_id import InitProducerIdRequest
from odradek.wire.apis.list_config_resources import ListConfigResourcesRequest
from odradek.wire.apis.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsTopics,
)
from odradek.wire.apis.metadata import MetadataRequest, MetadataRequestTopic
from odradek.wire.apis.remove_raft_voter import RemoveRaftVoterRequest
from odradek.wire.apis.renew_delegation_token import RenewDelegationTokenRequest
from odradek.wire.apis.sasl_handshake import SaslHandshakeRequest
from odradek.wire.apis.unregister_broker import UnregisterBrokerRequest
from odradek.wire.apis.update_features import FeatureUpdateKey, UpdateFeaturesRequest
from odradek.wire.errors import ErrorCode
from odradek.wire.schema import Message, Struct, fields_of

SET, DELETE, APPEND, SUBTRACT = range(4)
TOPIC, BROKER, LOGGER, METRICS, GROUP = 2, 4, 8, 16, 32
UNKNOWN_ID = b"\x01" * 16


class Case(NamedTuple):
    name: str
    request: Message
    version: int | None = None
    """None: the newest stable one."""

    @property
    def sent_version(self) -> int:
        kind = type(self.request)
        return kind.VERSIONS[1] - kind.UNSTABLE if self.version is None else self.version


def codes_of(answer: Struct) -> Iterator[int]:
    """Every error code of a response, top level first, then in the order of its elements."""
    nested: list[Any] = []
    for field in fields_of(type(answer)):
        value = getattr(answer, field.name)
        if field.name == "error_code":
            yield value
        elif isinstance(value, list):
            nested += [one for one in value if isinstance(one, Struct)]
    for one in nested:
        yield from codes_of(one)


# Short ways to write the requests down


def create(
    name: str,
    partitions: int = 1,
    factor: int = 1,
    replicas: list[list[int]] | None = None,
    first: int = 0,
    only_validate: bool = False,
    times: int = 1,
    **configs: str | None,
) -> CreateTopicsRequest:
    topic = CreatableTopic(name=name, num_partitions=partitions, replication_factor=factor)
    topic.configs = [CreatableTopicConfig(name=key.replace("_", "."), value=value) for key, value in configs.items()]
    topic.assignments = [
        CreatableReplicaAssignment(partition_index=index, broker_ids=ids)
        for index, ids in enumerate(replicas or (), first)
    ]
    return CreateTopicsRequest(topics=[topic] * times, validate_only=only_validate)


def grow(name: str, count: int, assignments: list[list[int]] | None = None, times: int = 1) -> CreatePartitionsRequest:
    given = None if assignments is None else [CreatePartitionsAssignment(broker_ids=ids) for ids in assignments]
    topic = CreatePartitionsTopic(name=name, count=count, assignments=given)
    return CreatePartitionsRequest(topics=[topic] * times, timeout_ms=10_000)


def delete(name: str | None = None, topic_id: bytes = bytes(16)) -> DeleteTopicsRequest:
    return DeleteTopicsRequest(topics=[DeleteTopicState(name=name, topic_id=topic_id)], timeout_ms=10_000)


def alter(kind: int, name: str, *changes: tuple[str, int, str | None], times: int = 1) -> Message:
    configs = [AlterableConfig(name=key, config_operation=what, value=value) for key, what, value in changes]
    resource = AlterConfigsResource(resource_type=kind, resource_name=name, configs=configs)
    return IncrementalAlterConfigsRequest(resources=[resource] * times)


def replace(kind: int, name: str, *configs: tuple[str, str | None]) -> replacing.AlterConfigsRequest:
    given = [replacing.AlterableConfig(name=key, value=value) for key, value in configs]
    resource = replacing.AlterConfigsResource(resource_type=kind, resource_name=name, configs=given)
    return replacing.AlterConfigsRequest(resources=[resource])


def describe(kind: int, name: str, *keys: str) -> DescribeConfigsRequest:
    resource = DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=list(keys) or None)
    return DescribeConfigsRequest(resources=[resource], include_synonyms=True)


def metadata(*topics: str | bytes, create_missing: bool = False, **fields: Any) -> MetadataRequest:
    asked = [
        MetadataRequestTopic(name=one) if isinstance(one, str) else MetadataRequestTopic(name=None, topic_id=one)
        for one in topics
    ]
    return MetadataRequest(topics=asked, allow_auto_topic_creation=create_missing, **fields)


def page(*names: str, cursor: tuple[str, int] | None = None, limit: int = 2000) -> Message:
    at = None if cursor is None else pages.Cursor(topic_name=cursor[0], partition_index=cursor[1])
    topics = [pages.TopicRequest(name=name) for name in names]
    return pages.DescribeTopicPartitionsRequest(topics=topics, response_partition_limit=limit, cursor=at)


def quorum(name: str, *partitions: int) -> DescribeQuorumRequest:
    asked = [PartitionData(partition_index=index) for index in partitions]
    return DescribeQuorumRequest(topics=[TopicData(topic_name=name, partitions=asked)])


def features(*updates: tuple[str, int, int], only_validate: bool = False) -> UpdateFeaturesRequest:
    return UpdateFeaturesRequest(
        feature_updates=[
            FeatureUpdateKey(feature=name, max_version_level=level, upgrade_type=kind) for name, level, kind in updates
        ],
        validate_only=only_validate,
    )


def elect(kind: int, *partitions: tuple[str, list[int]]) -> ElectLeadersRequest:
    asked = [TopicPartitions(topic=name, partitions=indexes) for name, indexes in partitions]
    return ElectLeadersRequest(election_type=kind, topic_partitions=asked or None, timeout_ms=1000)


def move(topic: str, index: int, replicas: list[int] | None, keep_factor: bool = False) -> Message:
    partition = ReassignablePartition(partition_index=index, replicas=replicas)
    return AlterPartitionReassignmentsRequest(
        topics=[ReassignableTopic(name=topic, partitions=[partition])],
        allow_replication_factor_change=not keep_factor,
    )


def moving(topic: str, index: int) -> ListPartitionReassignmentsRequest:
    asked = ListPartitionReassignmentsTopics(name=topic, partition_indexes=[index])
    return ListPartitionReassignmentsRequest(topics=[asked])


def quota(entity: dict[str, str | None], *changes: tuple[str, float | None]) -> quotas.AlterClientQuotasRequest:
    """Changes are (key, value); None removes."""
    entry = quotas.EntryData(
        entity=[quotas.EntityData(entity_type=kind, entity_name=name) for kind, name in entity.items()],
        ops=[quotas.OpData(key=key, value=value or 0.0, remove=value is None) for key, value in changes],
    )
    return quotas.AlterClientQuotasRequest(entries=[entry])


def quota_filter(*components: tuple[str, int, str | None], strict: bool = False) -> Message:
    return quota_filters.DescribeClientQuotasRequest(
        components=[
            quota_filters.ComponentData(entity_type=kind, match_type=how, match=name) for kind, how, name in components
        ],
        strict=strict,
    )


def scram(name: str, mechanism: int = 1, iterations: int = 4096) -> ScramCredentialUpsertion:
    return ScramCredentialUpsertion(
        name=name, mechanism=mechanism, iterations=iterations, salt=b"salt1234", salted_password=b"p" * 32
    )


def no_scram(name: str, mechanism: int = 1) -> ScramCredentialDeletion:
    return ScramCredentialDeletion(name=name, mechanism=mechanism)


def credentials(*changes: ScramCredentialUpsertion | ScramCredentialDeletion) -> AlterUserScramCredentialsRequest:
    return AlterUserScramCredentialsRequest(
        deletions=[one for one in changes if isinstance(one, ScramCredentialDeletion)],
        upsertions=[one for one in changes if isinstance(one, ScramCredentialUpsertion)],
    )


def users(*names: str) -> DescribeUserScramCredentialsRequest:
    return DescribeUserScramCredentialsRequest(users=[UserName(name=name) for name in names] or None)


LONGEST = "x" * 249
POLICY, THROTTLED = "cleanup.policy", "leader.replication.throttled.replicas"
THREADS, RETENTION, MIN_ISR = "log.cleaner.threads", "retention.ms", "min.insync.replicas"
PRODUCED, CONSUMED, CPU, CONNECTIONS = (
    "producer_byte_rate",
    "consumer_byte_rate",
    "request_percentage",
    "connection_creation_rate",
)
TIMEOUT = "consumer.session.timeout.ms"

TOPICS = [
    Case("create a", create("a", 2)),
    Case("create b.c", create("b.c", 2)),
    Case("create, empty name", create("")),
    Case("create, name .", create(".")),
    Case("create, name ..", create("..")),
    Case("create, 249 characters", create(LONGEST)),
    Case("create, 250 characters", create(LONGEST + "x")),
    Case("create, blank in the name", create("a b")),
    Case("create, not ASCII", create("é")),
    Case("create, differs only in the dot", create("b_c")),
    Case("create, 0 partitions", create("z", 0)),
    Case("create, -2 partitions", create("z", -2)),
    Case("create, defaults", create("defaults", -1, -1)),
    Case("create, 0 replicas", create("z", 1, 0)),
    Case("create, 2 replicas", create("z", 1, 2)),
    Case("create, -2 replicas", create("z", 1, -2)),
    Case("create, unknown config", create("z", no_such="1")),
    Case("create, not a number", create("z", retention_ms="abc")),
    Case("create, out of range", create("z", retention_ms="-2")),
    Case("create, segments too small", create("z", segment_bytes="14")),
    Case("create, bad policy", create("z", cleanup_policy="x")),
    Case("create, no policy", create("empty-policy", cleanup_policy="")),
    Case("create, null config", create("z", retention_ms=None)),
    Case("create, exists", create("a")),
    Case("create, exists, validate", create("a", only_validate=True)),
    Case("create, validate", create("validated", only_validate=True)),
    Case("create, internal, validate", create("__consumer_offsets", only_validate=True)),
    Case("create, the metadata log", create("__cluster_metadata")),
    Case("create, twice in one request", create("twice", times=2)),
    Case("create, assigned and counted", create("as", 1, 1, [[1]])),
    Case("create, assigned and partitions counted", create("as", 1, -1, [[1]])),
    Case("create, assigned to a stranger", create("as", -1, -1, [[9]])),
    Case("create, assigned twice", create("as", -1, -1, [[1, 1]])),
    Case("create, assigned to nobody", create("as", -1, -1, [[]])),
    Case("create, assigned unevenly", create("as", -1, -1, [[1], [1, 2]])),
    Case("create, assigned", create("as", -1, -1, [[1], [1]])),
    Case("create, assigned from partition 1 on", create("gap", -1, -1, [[1]], first=1)),
    Case("create, too many partitions", create("many", 10_001, only_validate=True)),
    Case("grow, fewer", grow("a", 1)),
    Case("grow, same", grow("a", 2)),
    Case("grow, 0", grow("a", 0)),
    Case("grow, -1", grow("a", -1)),
    Case("grow, unknown topic", grow("nope", 3)),
    Case("grow, too few assignments", grow("a", 4, [[1]])),
    Case("grow, assigned to a stranger", grow("a", 3, [[7]])),
    Case("grow, twice in one request", grow("a", 3, times=2)),
    Case("grow", grow("a", 3)),
    Case("delete, unknown", delete("nope")),
    Case("delete, unknown id", delete(topic_id=UNKNOWN_ID)),
    Case("delete, bad name", delete("a b")),
    Case("delete, name and id", delete("a", UNKNOWN_ID)),
    Case("delete, neither", delete()),
    Case("delete", delete("defaults")),
    Case("delete by name, v1", DeleteTopicsRequest(topic_names=["as", "nope"], timeout_ms=1000), 1),
]

LOOKING = [
    Case("metadata, unknown", metadata("nope")),
    Case("metadata, bad name", metadata("a b", create_missing=True)),
    Case("metadata, empty name", metadata("", create_missing=True)),
    Case("metadata, unknown id", metadata(UNKNOWN_ID)),
    Case("metadata, the metadata log", metadata("__cluster_metadata")),
    Case("metadata, internal and missing", metadata("__consumer_offsets")),
    Case("metadata, name and id", metadata("a", UNKNOWN_ID)),
    Case("metadata, id at v11", metadata(UNKNOWN_ID), 11),
    Case("metadata, twice", metadata("a", "a")),
    Case("page, some unknown", page("b.c", "a", "nope", "a b")),
    Case("page, short", page(limit=3)),
    Case("page, from the middle", page(limit=2, cursor=("a", 1))),
    Case("page, cursor at an unknown topic", page("a", "b.c", cursor=("b", 0))),
    Case("page, cursor beyond the end", page("a", "b.c", cursor=("a", 9))),
    Case("page, negative cursor", page("a", cursor=("a", -1))),
    Case("page, no room", page("a", limit=0)),
    Case("cluster", DescribeClusterRequest()),
    Case("cluster, controllers", DescribeClusterRequest(endpoint_type=2)),
    Case("cluster, no such endpoints", DescribeClusterRequest(endpoint_type=9)),
    Case("unregister a stranger", UnregisterBrokerRequest(broker_id=9)),
    Case("producer id, empty transactional id", InitProducerIdRequest(transactional_id="")),
]

CONFIGS = [
    Case("describe, unknown topic", describe(TOPIC, "nope", RETENTION)),
    Case("describe, bad topic name", describe(TOPIC, "a b", RETENTION)),
    Case("describe, other broker", describe(BROKER, "9")),
    Case("describe, broker x", describe(BROKER, "x")),
    Case("describe, unknown type", describe(99, "x")),
    Case("describe, empty group", describe(GROUP, "")),
    Case("describe, unknown group", describe(GROUP, "nogroup")),
    Case("describe, unknown metrics", describe(METRICS, "nocm")),
    Case("describe, empty metrics", describe(METRICS, "")),
    Case("describe, other broker's loggers", describe(LOGGER, "2")),
    Case("describe, loggers of nobody", describe(LOGGER, "")),
    Case("describe, loggers", describe(LOGGER, "1", "root")),
    Case("alter, unknown topic", alter(TOPIC, "nope", (RETENTION, SET, "1"))),
    Case("alter, bad topic name", alter(TOPIC, "a b", (RETENTION, SET, "1"))),
    Case("alter, empty topic name", alter(TOPIC, "", (RETENTION, SET, "1"))),
    Case("alter, unknown config", alter(TOPIC, "a", ("no.such", SET, "1"))),
    Case("alter, delete an unknown config", alter(TOPIC, "a", ("no.such", DELETE, None))),
    Case("alter, not a number", alter(TOPIC, "a", (RETENTION, SET, "x"))),
    Case("alter, out of range", alter(TOPIC, "a", (MIN_ISR, SET, "0"))),
    Case("alter, append to no list", alter(TOPIC, "a", (RETENTION, APPEND, "1"))),
    Case("alter, append to an unknown config", alter(TOPIC, "a", ("no.such", APPEND, "x"))),
    Case("alter, no such operation", alter(TOPIC, "a", (RETENTION, 9, "1"))),
    Case("alter, set null", alter(TOPIC, "a", (RETENTION, SET, None))),
    Case("alter, append null", alter(TOPIC, "a", (POLICY, APPEND, None))),
    Case("alter, delete what is not set", alter(TOPIC, "a", (RETENTION, DELETE, None))),
    Case("alter, append", alter(TOPIC, "a", (POLICY, APPEND, "compact"))),
    Case("alter, append again", alter(TOPIC, "a", (POLICY, APPEND, "compact,delete"))),
    Case("alter, append nonsense", alter(TOPIC, "a", (POLICY, APPEND, "foo"))),
    Case("alter, subtract", alter(TOPIC, "a", (POLICY, SUBTRACT, "compact"))),
    Case("alter, subtract what is not there", alter(TOPIC, "a", (POLICY, SUBTRACT, "compact,foo"))),
    Case("alter, throttled replicas", alter(TOPIC, "a", (THROTTLED, APPEND, "0:1,1:1"))),
    Case("alter, throttled nonsense", alter(TOPIC, "a", (THROTTLED, APPEND, "x"))),
    Case("alter, one key twice", alter(TOPIC, "a", (RETENTION, SET, "1"), (RETENTION, DELETE, None))),
    Case("alter, one topic twice", alter(TOPIC, "a", (RETENTION, SET, "1"), times=2)),
    Case("alter, min.insync.replicas of a topic", alter(TOPIC, "a", (MIN_ISR, SET, "2"))),
    Case("alter, min.insync.replicas of a broker", alter(BROKER, "1", (MIN_ISR, SET, "2"))),
    Case("alter, min.insync.replicas of all", alter(BROKER, "", (MIN_ISR, SET, "2"))),
    Case("alter, no min.insync.replicas", alter(BROKER, "", (MIN_ISR, DELETE, None))),
    Case("alter, min.insync.replicas back", alter(BROKER, "", (MIN_ISR, SET, "1"))),
    Case("alter, min.insync.replicas of the topic back", alter(TOPIC, "a", (MIN_ISR, DELETE, None))),
    Case("alter, read-only", alter(BROKER, "1", ("num.partitions", SET, "2"))),
    Case("alter, delete read-only", alter(BROKER, "1", ("num.partitions", DELETE, None))),
    Case("alter, unknown broker config", alter(BROKER, "1", ("no.such", SET, "2"))),
    Case("alter, other broker", alter(BROKER, "9", (THREADS, SET, "2"))),
    Case("alter, broker x", alter(BROKER, "x", (THREADS, SET, "2"))),
    Case("alter, too many threads", alter(BROKER, "1", ("num.io.threads", SET, "100"))),
    Case("alter, broker, not a number", alter(BROKER, "1", (THREADS, SET, "x"))),
    Case("alter, all brokers, not a number", alter(BROKER, "", ("log.retention.ms", SET, "x"))),
    Case("alter, broker, append", alter(BROKER, "1", ("log.cleanup.policy", APPEND, "compact"))),
    Case("alter, broker, delete", alter(BROKER, "1", ("log.cleanup.policy", DELETE, None))),
    Case("alter, group out of bounds", alter(GROUP, "gx", (TIMEOUT, SET, "1"))),
    Case("alter, group, unknown config", alter(GROUP, "gx", ("no.such", SET, "1"))),
    Case("alter, empty group", alter(GROUP, "", (TIMEOUT, SET, "50000"))),
    Case("alter, group", alter(GROUP, "g", (TIMEOUT, SET, "50000"))),
    Case("alter, metrics", alter(METRICS, "cm", ("metrics", SET, "a,b"), ("interval.ms", SET, "1000"))),
    Case("alter, metrics, unknown config", alter(METRICS, "cm", ("nope", SET, "1"))),
    Case("alter, metrics too often", alter(METRICS, "cm", ("interval.ms", SET, "1"))),
    Case("alter, metrics, not a number", alter(METRICS, "cm", ("interval.ms", SET, "x"))),
    Case("alter, metrics of no client", alter(METRICS, "cm", ("match", SET, "foo=bar"))),
    Case("alter, metrics, bad pattern", alter(METRICS, "cm", ("match", SET, "client_id=("))),
    Case("alter, metrics, append", alter(METRICS, "cm", ("metrics", APPEND, "c"))),
    Case("alter, metrics, two equals signs", alter(METRICS, "cm", ("match", SET, "client_id=a=b"))),
    Case("alter, metrics, any client id", alter(METRICS, "cm", ("match", SET, "client_id="))),
    Case("alter, metrics, nothing in a list", alter(METRICS, "cm", ("metrics", SET, ",,a"))),
    Case("alter, metrics, two patterns", alter(METRICS, "cm", ("match", SET, "client_id=a , client_id = b"))),
    Case("alter, metrics without a name", alter(METRICS, "", ("metrics", SET, "c"))),
    Case("alter, unknown type", alter(99, "x", ("a", SET, "b"))),
    Case("alter, log level", alter(LOGGER, "1", ("root", SET, "INFO"))),
    Case("alter, no root log level", alter(LOGGER, "1", ("root", DELETE, None))),
    Case("alter, append to a log level", alter(LOGGER, "1", ("root", APPEND, "INFO"))),
    Case("alter, unknown logger", alter(LOGGER, "1", ("no.such.logger", SET, "INFO"))),
    Case("alter, unknown log level", alter(LOGGER, "1", ("root", SET, "LOUD"))),
    Case("alter, other broker's log level", alter(LOGGER, "2", ("root", SET, "INFO"))),
    Case("alter, nobody's log level", alter(LOGGER, "", ("root", SET, "INFO"))),
    Case("replace", replace(TOPIC, "a", (RETENTION, "5000"), (POLICY, "compact,delete"))),
    Case("replace, null", replace(TOPIC, "a", (RETENTION, None))),
    Case("replace, unknown topic", replace(TOPIC, "nope", (RETENTION, "1"))),
    Case("replace, one key twice", replace(TOPIC, "a", (RETENTION, "77"), (RETENTION, "78"))),
    Case("replace, all brokers, without min.insync.replicas", replace(BROKER, "", (THREADS, "1"))),
    Case("replace, broker", replace(BROKER, "1", (THREADS, "2"))),
    Case("replace, broker, nothing", replace(BROKER, "1")),
    Case("replace, log level", replace(LOGGER, "1", ("root", "DEBUG"))),
    Case("replace, group", replace(GROUP, "g", (TIMEOUT, "50000"))),
    Case("list, v0", ListConfigResourcesRequest(), 0),
    Case("list", ListConfigResourcesRequest()),
    Case("list, unknown type", ListConfigResourcesRequest(resource_types=[99])),
]

CLUSTER = [
    Case("quorum", quorum("__cluster_metadata", 0)),
    Case("quorum, v0", quorum("__cluster_metadata", 0), 0),
    Case("quorum, other partition", quorum("__cluster_metadata", 1)),
    Case("quorum, two partitions", quorum("__cluster_metadata", 0, 1)),
    Case("quorum, other topic", quorum("a", 0)),
    Case("quorum, nothing", DescribeQuorumRequest()),
    Case("features, none", features()),
    Case("features, same", features(("group.version", 1, 1))),
    Case("features, same, v0", features(("group.version", 1, 1)), 0),
    Case("features, unknown", features(("nope", 1, 1))),
    Case("features, unknown, v1", features(("nope", 1, 1)), 1),
    Case("features, down, not said", features(("group.version", 0, 1))),
    Case("features, down", features(("share.version", 0, 2))),
    Case("features, up", features(("share.version", 1, 1))),
    Case("features, no such type", features(("group.version", 0, 9))),
    Case("features, negative", features(("group.version", -1, 3))),
    Case("features, metadata.version too high", features(("metadata.version", 99, 1))),
    Case("features, metadata.version down", features(("metadata.version", 29, 2))),
    Case("features, metadata.version down, unsafe", features(("metadata.version", 29, 3))),
    Case("features, metadata.version 0", features(("metadata.version", 0, 3))),
    Case("features, one of two bad", features(("streams.version", 0, 2), ("nope", 1, 1))),
    Case("features, down to something newer", features(("kraft.version", 1, 2))),
    Case("features, one twice", features(("group.version", 0, 2), ("group.version", 1, 1))),
    Case("features, unknown, level 0", features(("nope", 0, 1))),
    Case("features, validate", features(("streams.version", 0, 2), only_validate=True)),
    Case("elect, all", elect(0)),
    Case("elect, no such type", elect(9)),
    Case("elect, unclean", elect(1, ("a", [0, 1, 9]), ("nope", [0]))),
    Case("elect, v0", elect(0, ("a", [0])), 0),
    Case("move to where it is", move("a", 0, [1])),
    Case("move, cancel nothing", move("a", 0, None)),
    Case("move, unknown topic", move("nope", 0, [1])),
    Case("move, cancel unknown topic", move("nope", 0, None)),
    Case("move, unknown partition", move("a", 9, [1])),
    Case("move to nobody", move("a", 0, [])),
    Case("move twice to one", move("a", 0, [1, 1])),
    Case("move to a stranger", move("a", 0, [9])),
    Case("move to more", move("a", 0, [1, 2], keep_factor=True)),
    Case("moving, all", ListPartitionReassignmentsRequest()),
    Case("moving, unknown", moving("nope", 0)),
]

ALICE: dict[str, str | None] = {"user": "alice"}

QUOTAS = [
    Case("quota", quota(ALICE, (PRODUCED, 1024.0), (CONSUMED, 2048.0))),
    Case("quota of user and client", quota({**ALICE, "client-id": "c"}, (CPU, 50.0))),
    Case("quota of all users", quota({"user": None}, (PRODUCED, 10.0))),
    Case("quota of an address", quota({"ip": "1.2.3.4"}, (CONNECTIONS, 10.0))),
    Case("quota of no address", quota({"ip": "not an ip!"}, (CONNECTIONS, 10.0))),
    Case("quota of an address, wrong key", quota({"ip": "1.2.3.4"}, (PRODUCED, 10.0))),
    Case("quota of a user, wrong key", quota(ALICE, (CONNECTIONS, 10.0))),
    Case("quota, unknown key", quota(ALICE, ("nope", 10.0))),
    Case("quota, remove", quota(ALICE, (CONSUMED, None))),
    Case("quota, remove what is not there", quota(ALICE, (CPU, None))),
    Case("quota, remove an unknown key", quota(ALICE, ("nope", None))),
    Case("quota, zero", quota(ALICE, (PRODUCED, 0.0))),
    Case("quota, negative", quota(ALICE, (PRODUCED, -1.0))),
    Case("quota, fraction of a byte", quota(ALICE, (PRODUCED, 1.5))),
    Case("quota, fraction of a percent", quota({"user": "bob"}, (CPU, 1.5))),
    Case("quota of nobody", quota({}, (PRODUCED, 1.0))),
    Case("quota, unknown entity", quota({"group": "x"}, (PRODUCED, 1.0))),
    Case("quota, empty name", quota({"user": ""}, (PRODUCED, 1.0))),
    Case("quota of user and address", quota({**ALICE, "ip": "1.2.3.4"}, (PRODUCED, 1.0))),
    Case("quota, one key twice", quota({"user": "dave"}, (PRODUCED, 1.0), (PRODUCED, 2.0))),
    Case("quotas", quota_filter()),
    Case("quotas of alice", quota_filter(("user", 0, "alice"), strict=True)),
    Case("quotas of user and address", quota_filter(("user", 2, None), ("ip", 2, None))),
    Case("quotas, unknown entity", quota_filter(("x", 2, None))),
    Case("quotas, one entity twice", quota_filter(("user", 2, None), ("user", 2, None))),
    Case("quotas, no such match", quota_filter(("user", 9, None))),
    Case("quotas, exactly null", quota_filter(("user", 0, None))),
    Case("quotas, default with a name", quota_filter(("user", 1, "x"))),
    Case("quotas, empty entity", quota_filter(("", 2, None))),
]

CREDENTIALS = [
    Case("credential", credentials(scram("bob", 2))),
    Case("credential, a user twice", credentials(scram("alice"), scram("alice", 2))),
    Case("credential, too few iterations", credentials(scram("x", iterations=10))),
    Case("credential, too many iterations", credentials(scram("x", iterations=100_000))),
    Case("credential, unknown mechanism", credentials(scram("x", 9))),
    Case("credential of nobody", credentials(scram(""))),
    Case("credential, delete unknown", credentials(no_scram("nope"))),
    Case("credential, delete unknown and set", credentials(no_scram("alice"), scram("alice"))),
    Case("credential, delete unknown mechanism", credentials(no_scram("alice", 9))),
    Case("credential, delete of nobody", credentials(no_scram(""))),
    Case("credential, one good and one bad", credentials(scram("r"), scram("s", 9))),
    Case("credential, nothing", credentials()),
    Case("users", users()),
    Case("users, unknown", users("alice", "nope")),
    Case("users, one twice", users("alice", "alice")),
]

ACL = {"resource_type_filter": 1, "pattern_type_filter": 1, "operation": 1, "permission_type": 1}

ALLOW = AclCreation(
    resource_type=TOPIC,
    resource_name="a",
    resource_pattern_type=3,
    principal="User:x",
    host="*",
    operation=3,
    permission_type=3,
)


def voter(**fields: Any) -> AddRaftVoterRequest:
    address = Listener(name="CONTROLLER", host="127.0.0.1", port=1)
    known = {"cluster_id": None, "voter_id": 2, "voter_directory_id": UNKNOWN_ID, "listeners": [address]}
    return AddRaftVoterRequest(**(known | fields))


SECURITY = [
    Case("acls", DescribeAclsRequest(**ACL)),
    Case("acl", CreateAclsRequest(creations=[ALLOW])),
    Case("acl, none", CreateAclsRequest()),
    Case("acl, delete", DeleteAclsRequest(filters=[DeleteAclsFilter(**ACL)])),
    Case("login", SaslHandshakeRequest(mechanism="PLAIN")),
    Case("token", CreateDelegationTokenRequest(max_lifetime_ms=1000)),
    Case("token, renew", RenewDelegationTokenRequest(hmac=b"x", renew_period_ms=1)),
    Case("token, expire", ExpireDelegationTokenRequest(hmac=b"x", expiry_time_period_ms=1)),
    Case("tokens", DescribeDelegationTokenRequest(owners=None)),
    Case("voter", AddRaftVoterRequest(cluster_id=None, voter_id=2, voter_directory_id=UNKNOWN_ID)),
    Case("voter with an address", voter()),
    Case("voter, none", voter(voter_id=-1)),
    Case("voter without a directory", voter(voter_directory_id=bytes(16))),
    Case("voter of another cluster", AddRaftVoterRequest(cluster_id="x", voter_id=2, voter_directory_id=UNKNOWN_ID)),
    Case("voter, remove none", RemoveRaftVoterRequest(cluster_id=None, voter_id=2)),
    Case("voter, remove", RemoveRaftVoterRequest(cluster_id=None, voter_id=2, voter_directory_id=UNKNOWN_ID)),
    Case("voter of another cluster, remove", RemoveRaftVoterRequest(cluster_id="x", voter_id=2)),
]

CASES = [*TOPICS, *LOOKING, *CONFIGS, *CLUSTER, *QUOTAS, *CREDENTIALS, *SECURITY]


def ask(connection: socket.socket, case: Case, correlation_id: int) -> Any:
    """Send one case over a plain socket, for recording."""
    kind, version = type(case.request), case.sent_version
    header = struct.pack(">hhih", kind.KEY, version, correlation_id, -1)
    if version >= kind.FLEXIBLE:
        header += b"\x00"
    body = header + case.request.encode(version)
    connection.sendall(struct.pack(">i", len(body)) + body)
    stream = connection.makefile("rb")
    (size,) = struct.unpack(">i", stream.read(4))
    return kind.response.decode(stream.read(size)[5 if version >= kind.FLEXIBLE else 4 :], version)


def main() -> None:
    connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
    names = {code.value: code.name for code in ErrorCode}
    print("case\terror codes, top level first, then elements")
    for number, case in enumerate(CASES):
        codes = codes_of(ask(connection, case, number))
        print(f"{case.name}\t{' '.join(names[code] for code in codes)}")


if __name__ == "__main__":
    main()
