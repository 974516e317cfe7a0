"""What aiokafka's admin client is asked, in order."""

import asyncio
import contextlib
from typing import Any

import aiokafka.admin
import aiokafka.structs
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.admin.records_to_delete import RecordsToDelete

from .calls import Calls

ADMIN: type = AIOKafkaAdminClient
FIRST, SECOND = (aiokafka.structs.TopicPartition("aio", index) for index in (0, 1))


async def connected(bootstrap: str) -> AIOKafkaAdminClient:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    return admin


def calls(bootstrap: str, closing: contextlib.ExitStack) -> Calls:
    run = closing.enter_context(asyncio.Runner()).run
    admin = run(connected(bootstrap))
    closing.callback(lambda: run(admin.close()))
    for part in (topics, configs, records):
        yield from part(run, admin)
    yield "find_coordinator", lambda: run(admin.find_coordinator("aio-group"))
    yield "list_consumer_groups", lambda: run(admin.list_consumer_groups())
    yield "delete_topics", lambda: run(admin.delete_topics(["aio"]))
    yield "delete_topics unknown", lambda: run(admin.delete_topics(["aio-none"]))


def topics(run: Any, admin: AIOKafkaAdminClient) -> Calls:
    good, bad = NewTopic("aio", 2, 1), NewTopic("aio/slash", 1, 1)
    yield "create_topics", lambda: run(admin.create_topics([good, bad]))
    yield "create_topics again", lambda: run(admin.create_topics([good], validate_only=True))
    yield "create_partitions", lambda: run(admin.create_partitions({"aio": NewPartitions(3)}))
    yield "create_partitions fewer", lambda: run(admin.create_partitions({"aio": NewPartitions(1)}))
    yield "describe_topics", lambda: run(admin.describe_topics(["aio"]))
    yield "describe_cluster", lambda: [each["node_id"] for each in run(admin.describe_cluster())["brokers"]]


def configs(run: Any, admin: AIOKafkaAdminClient) -> Calls:
    for what, name, changes in (
        ("set", "aio", {"retention.ms": "3600000"}),
        ("nonsense", "aio", {"retention.ms": "soon"}),
        ("unknown topic", "aio-none", {"retention.ms": "1"}),
    ):
        changed = ConfigResource(ConfigResourceType.TOPIC, name, configs=changes)
        yield f"alter_configs {what}", lambda changed=changed: run(admin.alter_configs([changed]))  # type: ignore[misc]
    asked = ConfigResource(ConfigResourceType.TOPIC, "aio", configs=["retention.ms"])
    yield "describe_configs", lambda: run(admin.describe_configs([asked]))


def records(run: Any, admin: AIOKafkaAdminClient) -> Calls:
    nothing, too_many = RecordsToDelete(before_offset=0), RecordsToDelete(before_offset=9)
    yield "delete_records", lambda: run(admin.delete_records({FIRST: nothing}))
    yield "delete_records beyond the end", lambda: run(admin.delete_records({SECOND: too_many}))
