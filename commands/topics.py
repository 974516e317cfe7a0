"""`odradek topics`: list, describe, create, delete, add-partitions."""

from __future__ import annotations

from typing import Any

import click

from ..wire import uuids
from ..wire.apis.create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from ..wire.apis.create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from ..wire.apis.delete_topics import DeleteTopicsRequest, DeleteTopicState
from ..wire.apis.metadata import MetadataResponseTopic
from ..wire.errors import ErrorCode
from .client import Cluster
from .configuring import Resource, pairs, set_here
from .errors import Failure, Failures
from .options import CONTEXT, Session, with_cluster
from .positions import EARLIEST, LATEST, offsets_at
from .tables import counted, printable

TIMEOUT_MS = 30_000


@click.group(invoke_without_command=True, context_settings=CONTEXT)
@with_cluster
@click.pass_context
def command(context: click.Context, session: Session) -> None:
    """List, describe, create and delete topics. Without a subcommand: list.

    \b
        odradek topics
        odradek topics create orders:3 --config retention.ms=3600000
        odradek topics describe orders
    """
    if context.invoked_subcommand is None:
        print_list(session, internal=False)


@command.command("list")
@click.option("--internal", is_flag=True, help="Kafka's own topics, too.")
@with_cluster
def list_(session: Session, internal: bool) -> None:
    """List topics."""
    print_list(session, internal=internal)


def print_list(session: Session, *, internal: bool) -> None:
    with session.cluster() as cluster:
        topics = cluster.metadata(None).topics
    rows = [
        {
            "topic": topic.name,
            "partitions": len(topic.partitions),
            "replicas": max((len(each.replica_nodes) for each in topic.partitions), default=0),
            "id": _id(topic),
        }
        for topic in sorted(topics, key=lambda topic: topic.name or "")
        if internal or not topic.is_internal
    ]
    session.show(rows, empty="There are no topics: `odradek topics create NAME` makes one.")


def _id(topic: MetadataResponseTopic) -> str | None:
    return None if topic.topic_id == uuids.ZERO else uuids.to_text(topic.topic_id)


@command.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@with_cluster
def describe(session: Session, names: tuple[str, ...]) -> None:
    """Show partitions with leaders, replicas and offsets, and what is configured for the topic."""
    described = []
    with session.cluster() as cluster:
        for name in names:
            described.append(_describe(cluster, name))
    if session.as_json:
        session.show(described)
        return
    for topic in described:
        configs = ", ".join(f"{name}={value}" for name, value in topic["configs"].items()) or "nothing set"
        click.echo(f"{topic['topic']}  (id {topic['id'] or '-'})")
        click.echo(f"configs: {printable(configs)}")
        session.show(topic["partitions"])
        click.echo()


def _describe(cluster: Cluster, name: str) -> dict[str, Any]:
    topic = cluster.topic(name)
    led = [each.partition_index for each in topic.partitions if each.leader_id >= 0]
    starts = offsets_at(cluster, {(name, index): EARLIEST for index in led})
    ends = offsets_at(cluster, {(name, index): LATEST for index in led})
    partitions = [
        {
            "partition": each.partition_index,
            "leader": each.leader_id if each.leader_id >= 0 else None,
            "epoch": each.leader_epoch,
            "replicas": each.replica_nodes,
            "isr": each.isr_nodes,
            "start": starts.get((name, each.partition_index)),
            "end": ends.get((name, each.partition_index)),
        }
        for each in topic.partitions
    ]
    configs = set_here(cluster, Resource.TOPIC, name)
    return {"topic": name, "id": _id(topic), "configs": configs, "partitions": partitions}


@command.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME[:PARTITIONS]...")
@click.option(
    "--partitions", type=click.IntRange(1), metavar="N", help="Of topics that do not say.  [default: the broker's]"
)
@click.option(
    "--replication-factor", type=click.IntRange(1), metavar="N", help="Replicas of each.  [default: the broker's]"
)
@click.option("--config", "-c", "configs", multiple=True, metavar="NAME=VALUE", help="Set a config (repeatable).")
@click.option("--if-missing", is_flag=True, help="A topic that is there already is fine.")
@click.option("--dry-run", is_flag=True, help="Only check whether it could be done.")
@with_cluster
def create(
    session: Session,
    names: tuple[str, ...],
    partitions: int | None,
    replication_factor: int | None,
    configs: tuple[str, ...],
    if_missing: bool,
    dry_run: bool,
) -> None:
    """Create topics."""
    settings = [CreatableTopicConfig(name=name, value=value) for name, value in pairs(configs, "--config").items()]
    topics = []
    for text in names:
        name, count = _counted(text)
        topics.append(
            CreatableTopic(
                name=name,
                num_partitions=count or partitions or -1,
                replication_factor=replication_factor or -1,
                configs=settings,
            )
        )
    failures = Failures()
    with session.cluster() as cluster:
        request = CreateTopicsRequest(topics=topics, timeout_ms=TIMEOUT_MS, validate_only=dry_run)
        for each in cluster.ask_controller(request).topics:
            if if_missing and each.error_code == ErrorCode.TOPIC_ALREADY_EXISTS:
                session.say(f"{each.name} is there already.", topic=each.name, created=False)
            elif failures.check(f"topic {each.name}", each.error_code, each.error_message):
                done = "could be created" if dry_run else "created"
                size = f" with {counted(each.num_partitions, 'partition')}" if each.num_partitions > 0 else ""
                session.say(f"{each.name} {done}{size}.", topic=each.name, created=not dry_run)
    failures.finish()


def _counted(text: str) -> tuple[str, int | None]:
    """NAME or NAME:PARTITIONS."""
    name, separator, count = text.partition(":")
    if not separator:
        return name, None
    if not (count.isascii() and count.isdecimal() and int(count)):
        raise Failure(f"{text}: write it as NAME or NAME:PARTITIONS")
    return name, int(count)


@command.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--if-there", is_flag=True, help="A topic that is not there is fine.")
@with_cluster
def delete(session: Session, names: tuple[str, ...], if_there: bool) -> None:
    """Delete topics and all their records, at once and for good."""
    failures = Failures()
    with session.cluster() as cluster:
        request = DeleteTopicsRequest(
            topics=[DeleteTopicState(name=name) for name in names], topic_names=list(names), timeout_ms=TIMEOUT_MS
        )
        for each in cluster.ask_controller(request).responses:
            if if_there and each.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
                session.say(f"{each.name} is not there.", topic=each.name, deleted=False)
            elif failures.check(f"topic {each.name}", each.error_code, each.error_message):
                session.say(f"{each.name} deleted.", topic=each.name, deleted=True)
    failures.finish()


@command.command("add-partitions")
@click.argument("name")
@click.argument("total", type=click.IntRange(1))
@click.option("--dry-run", is_flag=True, help="Only check whether it could be done.")
@with_cluster
def add_partitions(session: Session, name: str, total: int, dry_run: bool) -> None:
    """Give the topic NAME more partitions, so that it has TOTAL.

    Records stay where they are: those with a key may go to another partition from now on.
    """
    with session.cluster() as cluster:
        topic = CreatePartitionsTopic(name=name, count=total, assignments=None)
        request = CreatePartitionsRequest(topics=[topic], timeout_ms=TIMEOUT_MS, validate_only=dry_run)
        failures = Failures()
        for each in cluster.ask_controller(request).results:
            if failures.check(f"topic {name}", each.error_code, each.error_message):
                done = "could have" if dry_run else "has"
                session.say(
                    f"{name} {done} {counted(total, 'partition')}.", topic=name, partitions=total, done=not dry_run
                )
    failures.finish()
