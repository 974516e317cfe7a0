"""The admin clients of kafka-python, confluent-kafka and aiokafka answer as they do on Apache Kafka, also to nonsense.

What all of them can do is tried in ../test_topics.py and ../test_groups.py; this is the rest of each library. Every
call becomes one line, `what: outcome`; the lines of Apache Kafka 4.3.1 are in NAME.txt beside this file.
`pytest interop/admin --broker=kafka --record` writes them anew.
"""

import asyncio
import concurrent.futures
import contextlib
import pathlib
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import aiokafka.admin
import aiokafka.structs
import confluent_kafka
import confluent_kafka.admin as confluent
import kafka
import pytest
from kafka.admin import AlterConfigOp, ConfigResource, ConfigResourceType, OffsetSpec

from ..broker import Broker
from ..conftest import new_broker

Call = tuple[str, Callable[[], Any]]

SETTLING_S = 0.4
"""Apache Kafka answers a change before its broker has seen it."""

VARIABLE = [
    (r"'(log_dir|cluster_id|topic_id)': (UUID\()?'[^']*'\)?", r"'\1': 'VARIES'"),
    (r"'(total_bytes|usable_bytes|port|leader_epoch|high_watermark|log_end_offset)': \d+", r"'\1': 0"),
    (r"'(last_caught_up_timestamp|last_fetch_timestamp|finalized_epoch)': -?\d+", r"'\1': 0"),
    (r"'listeners': \[[^]]*\]", "'listeners': []"),
    (r"(error_message'?[:=] ?)(\"[^\"]*\"|'[^']*')", r"\1MESSAGE"),
    (r"(\[Error \d+\] \w+): [^\"]*(?=[\"'])", r"\1"),
    (r"<confluent_kafka.admin._records.DeletedRecords object at 0x\w+>", "DELETED"),
]
"""What differs from run to run, the addresses of controllers (Odradek has one inside), and the words of messages."""


@pytest.fixture(scope="module")
def fresh_broker(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    kind: str = pytestconfig.getoption("--broker")
    if ":" in kind:
        pytest.skip(f"only the address of {kind} is known, and these tests need a fresh broker")
    broker = new_broker(kind, tmp_path_factory.mktemp("admin") / "node")
    broker.start()
    yield broker
    broker.kill()


def kafka_python_calls(bootstrap: str, closing: contextlib.ExitStack) -> Iterator[Call]:
    admin = closing.enter_context(contextlib.closing(kafka.KafkaAdminClient(bootstrap_servers=bootstrap)))
    a0, a1, nope = (kafka.TopicPartition(*each) for each in (("kp", 0), ("kp", 1), ("kp-none", 0)))
    producer = closing.enter_context(contextlib.closing(kafka.KafkaProducer(bootstrap_servers=bootstrap)))
    admin.create_topics({"kp": {"num_partitions": 2, "replication_factor": 1}}, wait_for_metadata=True)
    for number in range(5):
        producer.send("kp", b"%d" % number, partition=0, timestamp_ms=1_790_000_000_000 + number).get(10)
    yield "delete_records", lambda: admin.delete_records({a0: 2, a1: -1})
    yield "delete_records beyond the end", lambda: admin.delete_records({a1: 9})
    yield (
        "list_partition_offsets",
        lambda: [
            admin.list_partition_offsets({a0: spec, a1: spec})
            for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST, OffsetSpec.MAX_TIMESTAMP, 1_790_000_000_003)
        ],
    )
    yield "elect_leaders", lambda: admin.elect_leaders(0, {"kp": [0]}, raise_errors=False).to_dict()
    yield "elect_leaders unknown", lambda: admin.elect_leaders(0, {"kp-none": [0]}, raise_errors=False).to_dict()
    yield "alter_partition_reassignments", lambda: admin.alter_partition_reassignments({a0: [1], a1: [1, 2], nope: [1]})
    yield "list_partition_reassignments", admin.list_partition_reassignments
    yield "describe_log_dirs", lambda: admin.describe_log_dirs(["kp"])
    yield "describe_producers", lambda: len(admin.describe_producers([a1])[a1])
    yield "describe_features", lambda: admin.describe_features()
    yield "update_features", lambda: admin.update_features({"no.such": 1}, validate_only=True)
    yield "update_features too high", lambda: admin.update_features({"group.version": 9}, validate_only=True)
    yield "describe_metadata_quorum", lambda: admin.describe_metadata_quorum()
    yield "describe_cluster", admin.describe_cluster
    yield "describe_topic_partitions", lambda: admin.describe_topic_partitions(["kp", "kp-none"])
    yield "list_config_resources", lambda: sorted(map(str, admin.list_config_resources(["TOPIC"])))
    yield "list_transactions", admin.list_transactions
    yield "describe_user_scram_credentials", lambda: admin.describe_user_scram_credentials(["nobody"])
    yield "describe_acls", lambda: admin.describe_acls(kafka.admin.ACLFilter(
        None, None, kafka.admin.ACLOperation.ANY, kafka.admin.ACLPermissionType.ANY,
        kafka.admin.ResourcePatternFilter(kafka.admin.ResourceType.ANY, None, kafka.admin.ACLResourcePatternType.ANY),
    ))  # fmt: skip
    for what, name, configs in (
        ("set", "kp", {"retention.ms": "3600000"}),
        ("append", "kp", {"cleanup.policy": (AlterConfigOp.APPEND, "compact")}),
        ("subtract from a number", "kp", {"retention.ms": (AlterConfigOp.SUBTRACT, "1")}),
        ("nonsense", "kp", {"retention.ms": "soon"}),
        ("unknown name", "kp", {"no.such": "1"}),
        ("unknown topic", "kp-none", {"retention.ms": "1"}),
    ):
        resource = ConfigResource(ConfigResourceType.TOPIC, name, configs)
        yield f"alter_configs {what}", lambda resource=resource: admin.alter_configs([resource])  # type: ignore[misc]
    yield "describe_configs", lambda: admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "kp")])
    yield "delete_topics", lambda: admin.delete_topics(["kp", "kp-none"])


def confluent_calls(bootstrap: str, closing: contextlib.ExitStack) -> Iterator[Call]:
    admin: Any = confluent.AdminClient({"bootstrap.servers": bootstrap})
    c0, c1, nope = (confluent_kafka.TopicPartition(*each) for each in (("ck", 0), ("ck", 1), ("ck-none", 0)))

    def offsets(*specs: Any) -> Any:
        answers = [admin.list_offsets({c0: spec, c1: spec}) for spec in specs]
        return [sorted((each.partition, futures[each].result().offset) for each in futures) for futures in answers]

    new = confluent.NewTopic
    topics = [new("ck", 2, 1), new("ck/slash", 1), new("ck-none", 1, 2), new("ck-odd", 1, config={"no.such": "1"})]
    yield "create_topics", lambda: admin.create_topics(topics)
    yield "create_topics again", lambda: admin.create_topics(topics[:1], validate_only=True)
    producer = confluent_kafka.Producer({"bootstrap.servers": bootstrap})
    for number in range(5):
        producer.produce("ck", b"%d" % number, partition=0)
    producer.flush(10)
    yield "delete_records", lambda: admin.delete_records([confluent_kafka.TopicPartition("ck", 0, 2)])
    yield "delete_records beyond the end", lambda: admin.delete_records([confluent_kafka.TopicPartition("ck", 1, 9)])
    spec: Any = confluent.OffsetSpec
    yield "list_offsets", lambda: offsets(spec.earliest(), spec.latest(), spec.max_timestamp(), spec.for_timestamp(0))
    yield (
        "elect_leaders",
        lambda: {
            (each.topic, each.partition): error and error.name()
            for each, error in admin.elect_leaders(confluent_kafka.ElectionType.PREFERRED, [c0, nope]).result().items()
        },
    )
    yield "describe_cluster", lambda: [each.id for each in admin.describe_cluster().result().nodes]
    for what, name, key, value, how in (
        ("set", "ck", "retention.ms", "3600000", confluent.AlterConfigOpType.SET),
        ("append", "ck", "cleanup.policy", "compact", confluent.AlterConfigOpType.APPEND),
        ("append to a number", "ck", "retention.ms", "1", confluent.AlterConfigOpType.APPEND),
        ("unknown name", "ck", "no.such", "1", confluent.AlterConfigOpType.SET),
        ("unknown topic", "ck-none", "retention.ms", "1", confluent.AlterConfigOpType.SET),
    ):
        entry = confluent.ConfigEntry(key, value, incremental_operation=how)
        resource = confluent.ConfigResource("topic", name, incremental_configs=[entry])
        yield (
            f"incremental_alter_configs {what}",
            lambda resource=resource: admin.incremental_alter_configs([resource]),  # type: ignore[misc]
        )
    yield (
        "alter_configs",
        lambda: admin.alter_configs([confluent.ConfigResource("topic", "ck", set_config={"segment.ms": "70000"})]),
    )
    described = confluent.ConfigResource("topic", "ck")
    yield (
        "describe_configs",
        lambda: {
            name: each.value
            for name, each in admin.describe_configs([described])[described].result().items()
            if not each.is_default
        },
    )
    weak, good = (confluent.ScramCredentialInfo(confluent.ScramMechanism.SCRAM_SHA_256, each) for each in (5, 4096))
    yield (
        "alter_user_scram_credentials",
        lambda: admin.alter_user_scram_credentials(
            [
                confluent.UserScramCredentialUpsertion("ck-weak", weak, b"secret"),
                confluent.UserScramCredentialUpsertion("ck-user", good, b"secret"),
            ]
        ),
    )
    yield (
        "describe_user_scram_credentials",
        lambda: [
            (each.mechanism.name, each.iterations)
            for each in admin.describe_user_scram_credentials(["ck-user"])["ck-user"].result().scram_credential_infos
        ],
    )
    yield "create_partitions", lambda: admin.create_partitions([confluent.NewPartitions("ck", 1)])
    yield "delete_topics", lambda: admin.delete_topics(["ck", "ck-none"])


def aiokafka_calls(bootstrap: str, closing: contextlib.ExitStack) -> Iterator[Call]:
    runner = closing.enter_context(asyncio.Runner())
    run = runner.run

    async def connected() -> aiokafka.admin.AIOKafkaAdminClient:
        admin = aiokafka.admin.AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        return admin

    admin = run(connected())
    closing.callback(lambda: run(admin.close()))
    topic, resource = aiokafka.admin.NewTopic, aiokafka.admin.config_resource.ConfigResource
    kind = aiokafka.admin.config_resource.ConfigResourceType
    good, bad = topic("aio", 2, 1), topic("aio/slash", 1, 1)
    first, beyond = aiokafka.structs.TopicPartition("aio", 0), aiokafka.structs.TopicPartition("aio", 1)
    before = aiokafka.admin.records_to_delete.RecordsToDelete
    yield "create_topics", lambda: run(admin.create_topics([good, bad]))
    yield "create_topics again", lambda: run(admin.create_topics([good], validate_only=True))
    yield "create_partitions", lambda: run(admin.create_partitions({"aio": aiokafka.admin.NewPartitions(3)}))
    yield "create_partitions fewer", lambda: run(admin.create_partitions({"aio": aiokafka.admin.NewPartitions(1)}))
    yield "describe_topics", lambda: run(admin.describe_topics(["aio"]))
    yield "describe_cluster", lambda: [each["node_id"] for each in run(admin.describe_cluster())["brokers"]]
    for what, name, configs in (
        ("set", "aio", {"retention.ms": "3600000"}),
        ("nonsense", "aio", {"retention.ms": "soon"}),
        ("unknown topic", "aio-none", {"retention.ms": "1"}),
    ):
        changed = resource(kind.TOPIC, name, configs=configs)
        yield f"alter_configs {what}", lambda changed=changed: run(admin.alter_configs([changed]))  # type: ignore[misc]
    yield (
        "describe_configs",
        lambda: run(admin.describe_configs([resource(kind.TOPIC, "aio", configs=["retention.ms"])])),
    )
    yield "delete_records", lambda: run(admin.delete_records({first: before(before_offset=0)}))
    yield "delete_records beyond the end", lambda: run(admin.delete_records({beyond: before(before_offset=9)}))
    yield "list_consumer_groups", lambda: run(admin.list_consumer_groups())
    yield "delete_topics", lambda: run(admin.delete_topics(["aio"]))
    yield "delete_topics unknown", lambda: run(admin.delete_topics(["aio-none"]))


LIBRARIES = {"kafka-python": kafka_python_calls, "confluent": confluent_calls, "aiokafka": aiokafka_calls}


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_call(library: str, fresh_broker: Broker, pytestconfig: pytest.Config) -> None:
    lines = []
    with contextlib.ExitStack() as closing:
        for what, call in LIBRARIES[library](fresh_broker.bootstrap, closing):
            lines.append(f"{what}: {plain(outcome(call))}")
            time.sleep(SETTLING_S if fresh_broker.name == "kafka" else 0)
    recorded = pathlib.Path(__file__).with_name(f"{library}.txt")
    if pytestconfig.getoption("--record"):
        recorded.write_text("".join(f"{line}\n" for line in lines))
    assert lines == recorded.read_text().splitlines()


def outcome(call: Callable[[], Any]) -> str:
    """What a call returned or how it failed; a dict of futures, which is in no order, becomes one of their outcomes."""
    try:
        result = call()
        if isinstance(result, dict) and all(isinstance(each, concurrent.futures.Future) for each in result.values()):
            outcomes = {str(key): outcome(lambda each=each: each.result(20)) for key, each in result.items()}  # type: ignore[misc]
            return str(dict(sorted(outcomes.items())))
        return text(result)
    except confluent_kafka.KafkaException as error:
        return str(error.args[0].name())
    except Exception as error:
        return type(error).__name__


def text(value: Any) -> str:
    """As str does, but in an order that does not depend on hashes."""
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(f"{key!r}: {text(each)}" for key, each in value.items())) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(sorted(map(text, value))) + "]"
    return repr(value)


def plain(said: str) -> str:
    for pattern, word in VARIABLE:
        said = re.sub(pattern, word, said)
    return said
