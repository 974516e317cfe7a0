"""What confluent-kafka's admin client is asked, in order."""

import contextlib
from typing import Any

import confluent_kafka
import confluent_kafka.admin as kafka_admin
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, OffsetSpec

from .calls import Calls

ADMIN: type = kafka_admin.AdminClient
FIRST, SECOND, NONE = (confluent_kafka.TopicPartition(*each) for each in (("ck", 0), ("ck", 1), ("ck-none", 0)))


def calls(bootstrap: str, closing: contextlib.ExitStack) -> Calls:
    admin: Any = kafka_admin.AdminClient({"bootstrap.servers": bootstrap})
    yield from topics(admin)
    producer = confluent_kafka.Producer({"bootstrap.servers": bootstrap})
    for number in range(5):
        producer.produce("ck", b"%d" % number, partition=0)
    producer.flush(10)
    for part in (records, cluster, configs, security):
        yield from part(admin)
    yield "create_partitions", lambda: admin.create_partitions([NewPartitions("ck", 1)])
    yield "delete_topics", lambda: admin.delete_topics(["ck", "ck-none"])


def topics(admin: Any) -> Calls:
    new = [NewTopic("ck", 2, 1), NewTopic("ck/slash", 1), NewTopic("ck-none", 1, 2)]
    odd = NewTopic("ck-odd", 1, config={"no.such": "1"})
    yield "create_topics", lambda: admin.create_topics([*new, odd])
    yield "create_topics again", lambda: admin.create_topics(new[:1], validate_only=True)


def records(admin: Any) -> Calls:
    second, ninth = confluent_kafka.TopicPartition("ck", 0, 2), confluent_kafka.TopicPartition("ck", 1, 9)
    yield "delete_records", lambda: admin.delete_records([second])
    yield "delete_records beyond the end", lambda: admin.delete_records([ninth])

    def offsets(spec: OffsetSpec) -> list[tuple[int, int]]:
        futures = admin.list_offsets({FIRST: spec, SECOND: spec})
        return sorted((each.partition, future.result().offset) for each, future in futures.items())

    specs = (OffsetSpec.earliest(), OffsetSpec.latest(), OffsetSpec.max_timestamp(), OffsetSpec.for_timestamp(0))
    yield "list_offsets", lambda: list(map(offsets, specs))


def cluster(admin: Any) -> Calls:
    def elected() -> dict[tuple[str, int], str | None]:
        outcomes = admin.elect_leaders(confluent_kafka.ElectionType.PREFERRED, [FIRST, NONE]).result()
        return {(each.topic, each.partition): error and error.name() for each, error in outcomes.items()}

    yield "elect_leaders", elected
    yield "describe_cluster", lambda: [each.id for each in admin.describe_cluster().result().nodes]

    def described(name: str) -> tuple[str, list[int]]:
        (future,) = admin.describe_topics(confluent_kafka.TopicCollection([name])).values()
        found = future.result()
        return found.name, [each.id for each in found.partitions]

    yield "describe_topics", lambda: described("ck")
    yield "describe_topics unknown", lambda: described("ck-none")
    yield "list_groups", lambda: [each.id for each in admin.list_groups(timeout=10) if each.id.startswith("ck")]
    yield "cluster_id", lambda: admin.cluster_id(10) == admin.describe_cluster().result().cluster_id


def configs(admin: Any) -> Calls:
    for what, name, key, value, how in (
        ("set", "ck", "retention.ms", "3600000", AlterConfigOpType.SET),
        ("append", "ck", "cleanup.policy", "compact", AlterConfigOpType.APPEND),
        ("append to a number", "ck", "retention.ms", "1", AlterConfigOpType.APPEND),
        ("unknown name", "ck", "no.such", "1", AlterConfigOpType.SET),
        ("unknown topic", "ck-none", "retention.ms", "1", AlterConfigOpType.SET),
    ):
        entry = ConfigEntry(key, value, incremental_operation=how)
        change = ConfigResource("topic", name, incremental_configs=[entry])
        yield (
            f"incremental_alter_configs {what}",
            lambda change=change: admin.incremental_alter_configs([change]),  # type: ignore[misc]
        )
    replaced, topic = ConfigResource("topic", "ck", set_config={"segment.ms": "70000"}), ConfigResource("topic", "ck")
    yield "alter_configs", lambda: admin.alter_configs([replaced])

    def described() -> dict[str, str]:
        entries = admin.describe_configs([topic])[topic].result()
        return {name: entry.value for name, entry in entries.items() if not entry.is_default}

    yield "describe_configs", described


def security(admin: Any) -> Calls:
    mechanism = kafka_admin.ScramMechanism.SCRAM_SHA_256
    weak, good = (kafka_admin.ScramCredentialInfo(mechanism, iterations) for iterations in (5, 4096))
    changes = [
        kafka_admin.UserScramCredentialUpsertion("ck-weak", weak, b"secret"),
        kafka_admin.UserScramCredentialUpsertion("ck-user", good, b"secret"),
    ]
    yield "alter_user_scram_credentials", lambda: admin.alter_user_scram_credentials(changes)

    def described() -> list[tuple[str, int]]:
        found = admin.describe_user_scram_credentials(["ck-user"])["ck-user"].result()
        return [(each.mechanism.name, each.iterations) for each in found.scram_credential_infos]

    yield "describe_user_scram_credentials", described
    literal, read = kafka_admin.ResourcePatternType.LITERAL, kafka_admin.AclOperation.READ
    allow = (literal, "User:x", "*", read, kafka_admin.AclPermissionType.ALLOW)
    binding = kafka_admin.AclBinding(kafka_admin.ResourceType.TOPIC, "ck", *allow)
    like = kafka_admin.AclBindingFilter(kafka_admin.ResourceType.TOPIC, "ck", *allow)
    yield "create_acls", lambda: admin.create_acls([binding])
    yield "describe_acls", lambda: admin.describe_acls(like).result()
    yield "delete_acls", lambda: admin.delete_acls([like])
