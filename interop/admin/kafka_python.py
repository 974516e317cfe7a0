"""What kafka-python's admin client is asked, in order."""

import contextlib
from typing import Any

import kafka
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    AlterConfigOp,
    ConfigResource,
    ConfigResourceType,
    MemberToRemove,
    OffsetSpec,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from .calls import Calls

ADMIN: type = kafka.KafkaAdminClient
FIRST, SECOND, NONE = (kafka.TopicPartition(*each) for each in (("kp", 0), ("kp", 1), ("kp-none", 0)))
SENT_MS = 1_790_000_000_000


def calls(bootstrap: str, closing: contextlib.ExitStack) -> Calls:
    admin = closing.enter_context(contextlib.closing(kafka.KafkaAdminClient(bootstrap_servers=bootstrap)))
    producer = closing.enter_context(contextlib.closing(kafka.KafkaProducer(bootstrap_servers=bootstrap)))
    admin.create_topics({"kp": {"num_partitions": 2, "replication_factor": 1}}, wait_for_metadata=True)
    for number in range(5):
        producer.send("kp", b"%d" % number, partition=0, timestamp_ms=SENT_MS + number).get(10)
    for part in (records, replicas, cluster, transactions, groups, security, configs):
        yield from part(admin)
    yield "wait_for_topics", lambda: admin.wait_for_topics(["kp"])
    yield "delete_topics", lambda: admin.delete_topics(["kp", "kp-none"])


def records(admin: Any) -> Calls:
    yield "delete_records", lambda: admin.delete_records({FIRST: 2, SECOND: -1})
    yield "delete_records beyond the end", lambda: admin.delete_records({SECOND: 9})
    specs = (OffsetSpec.EARLIEST, OffsetSpec.LATEST, OffsetSpec.MAX_TIMESTAMP, SENT_MS + 3)
    yield (
        "list_partition_offsets",
        lambda: [admin.list_partition_offsets({FIRST: spec, SECOND: spec}) for spec in specs],
    )


def replicas(admin: Any) -> Calls:
    yield "elect_leaders", lambda: admin.elect_leaders(0, {"kp": [0]}, raise_errors=False).to_dict()
    yield "elect_leaders unknown", lambda: admin.elect_leaders(0, {"kp-none": [0]}, raise_errors=False).to_dict()
    moves = {FIRST: [1], SECOND: [1, 2], NONE: [1]}
    yield "alter_partition_reassignments", lambda: admin.alter_partition_reassignments(moves)
    yield "list_partition_reassignments", admin.list_partition_reassignments
    yield "describe_log_dirs", lambda: admin.describe_log_dirs(["kp"])
    nowhere = {kafka.TopicPartitionReplica("kp", 0, 1): "/no/such/directory"}
    yield "alter_replica_log_dirs", lambda: admin.alter_replica_log_dirs(nowhere)
    yield "describe_producers", lambda: len(admin.describe_producers([SECOND])[SECOND])


def cluster(admin: Any) -> Calls:
    yield "describe_features", lambda: admin.describe_features()
    yield "update_features", lambda: admin.update_features({"no.such": 1}, validate_only=True)
    yield "update_features too high", lambda: admin.update_features({"group.version": 9}, validate_only=True)
    yield "describe_metadata_quorum", lambda: admin.describe_metadata_quorum()
    yield "describe_cluster", admin.describe_cluster
    yield "describe_topic_partitions", lambda: admin.describe_topic_partitions(["kp", "kp-none"])
    yield "list_config_resources", lambda: sorted(map(str, admin.list_config_resources(["TOPIC"])))
    yield "api_versions", lambda: admin.api_versions()[18]
    yield "get_broker_version_data", lambda: admin.get_broker_version_data(1).broker_version


def transactions(admin: Any) -> Calls:
    yield "list_transactions", admin.list_transactions
    yield "describe_transactions", lambda: admin.describe_transactions(["nobody"])
    yield "find_hanging_transactions", admin.find_hanging_transactions


def groups(admin: Any) -> Calls:
    yield "reset_group_offsets", lambda: admin.reset_group_offsets("kp-group", {FIRST: OffsetSpec.EARLIEST, SECOND: 7})
    yield "list_groups", lambda: [each for each in admin.list_groups() if each["group_id"] == "kp-group"]
    yield "describe_groups", lambda: admin.describe_groups(["kp-group", "kp-none"])
    member = MemberToRemove(member_id="nobody")
    yield "remove_group_members", lambda: admin.remove_group_members("kp-group", [member])
    yield "delete_groups", lambda: admin.delete_groups(["kp-group"])


def security(admin: Any) -> Calls:
    mechanism = ScramMechanism.SCRAM_SHA_256
    weak, gone = UserScramCredentialUpsertion("kp", mechanism, "x", 5), UserScramCredentialDeletion("kp", mechanism)
    yield "alter_user_scram_credentials", lambda: admin.alter_user_scram_credentials([weak, gone])
    yield "describe_user_scram_credentials", lambda: admin.describe_user_scram_credentials(["nobody"])
    anything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    everybody = ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, anything)
    read = ACL("User:x", "*", ACLOperation.READ, ACLPermissionType.ALLOW, ResourcePattern(ResourceType.TOPIC, "kp"))
    yield "describe_acls", lambda: admin.describe_acls(everybody)
    yield "create_acls", lambda: admin.create_acls([read])
    yield "delete_acls", lambda: admin.delete_acls([everybody])


def configs(admin: Any) -> Calls:
    for what, name, changes in (
        ("set", "kp", {"retention.ms": "3600000"}),
        ("append", "kp", {"cleanup.policy": (AlterConfigOp.APPEND, "compact")}),
        ("subtract from a number", "kp", {"retention.ms": (AlterConfigOp.SUBTRACT, "1")}),
        ("nonsense", "kp", {"retention.ms": "soon"}),
        ("unknown name", "kp", {"no.such": "1"}),
        ("unknown topic", "kp-none", {"retention.ms": "1"}),
    ):
        resource = ConfigResource(ConfigResourceType.TOPIC, name, changes)
        yield f"alter_configs {what}", lambda resource=resource: admin.alter_configs([resource])  # type: ignore[misc]
    topic = ConfigResource(ConfigResourceType.TOPIC, "kp")
    yield "describe_configs", lambda: admin.describe_configs([topic])
    reset = ConfigResource(ConfigResourceType.TOPIC, "kp", ["retention.ms"])
    yield "reset_configs", lambda: admin.reset_configs([reset])
    yield "describe_configs reset", lambda: admin.describe_configs([topic])
