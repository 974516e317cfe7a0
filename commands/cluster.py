"""`odradek cluster`: brokers, versions, features, quorum."""

from __future__ import annotations

from typing import Any

import click

from ..wire.apis import ApiKey
from ..wire.apis.describe_quorum import (
    DescribeQuorumPartitionData,
    DescribeQuorumRequest,
    PartitionData,
    TopicData,
)
from .errors import check
from .options import CONTEXT, Session, with_cluster
from .tables import time_of


@click.group(
    invoke_without_command=True, context_settings=CONTEXT, short_help="Show brokers, versions, features, quorum."
)
@with_cluster
@click.pass_context
def command(context: click.Context, session: Session) -> None:
    """Show the brokers of a cluster, what they speak, its features and its quorum. Without a subcommand: brokers."""
    if context.invoked_subcommand is None:
        print_brokers(session)


@command.command()
@with_cluster
def brokers(session: Session) -> None:
    """List the brokers."""
    print_brokers(session)


def print_brokers(session: Session) -> None:
    with session.cluster() as cluster:
        metadata = cluster.metadata([])
    rows = [
        {
            "broker": each.node_id,
            "host": each.host,
            "port": each.port,
            "rack": each.rack,
            "controller": each.node_id == metadata.controller_id,
        }
        for each in sorted(metadata.brokers, key=lambda each: each.node_id)
    ]
    if session.as_json:
        session.show([{"cluster_id": metadata.cluster_id, "brokers": rows}])
        return
    click.echo(f"cluster {metadata.cluster_id or '(without an id)'}")
    session.show(rows)


@command.command()
@with_cluster
def versions(session: Session) -> None:
    """List the APIs that the broker speaks, and their versions."""
    with session.cluster() as cluster:
        spoken = cluster.any_broker.versions
    known = {int(key): key.name for key in ApiKey}
    rows = [
        {
            "key": key,
            "api": "".join(part.capitalize() for part in known[key].split("_")) if key in known else None,
            "first": first,
            "last": last,
        }
        for key, (first, last) in sorted(spoken.items())
    ]
    session.show(rows)


@command.command()
@with_cluster
def features(session: Session) -> None:
    """List the features of the cluster: what is in force, and what the broker supports."""
    with session.cluster() as cluster:
        answer = cluster.any_broker.api_versions
    levels = {each.name: each.max_version_level for each in answer.finalized_features}
    supported = {each.name: (each.min_version, each.max_version) for each in answer.supported_features}
    rows = [
        {
            "feature": name,
            "level": levels.get(name),
            "supported_from": supported[name][0] if name in supported else None,
            "supported_to": supported[name][1] if name in supported else None,
        }
        for name in sorted({*levels, *supported})
    ]
    session.show(rows, empty="The broker has no features: it is older than Kafka 2.7, or managed by ZooKeeper.")


@command.command()
@with_cluster
def quorum(session: Session) -> None:
    """Show the controllers' quorum: leader, epoch, voters and observers of the metadata log."""
    topic = TopicData(topic_name="__cluster_metadata", partitions=[PartitionData(partition_index=0)])
    with session.cluster() as cluster:
        answer = cluster.ask(DescribeQuorumRequest(topics=[topic]))
    check("the quorum", answer.error_code, answer.error_message)
    state = answer.topics[0].partitions[0]
    check("the quorum", state.error_code, state.error_message)
    rows = [*_replicas(state, "voter"), *_replicas(state, "observer")]
    if session.as_json:
        fields = {"leader": state.leader_id, "epoch": state.leader_epoch, "high_watermark": state.high_watermark}
        session.show([{**fields, "replicas": rows}])
        return
    click.echo(f"leader {state.leader_id}, epoch {state.leader_epoch}, high watermark {state.high_watermark}")
    session.show([{**row, "caught_up": time_of(row["caught_up"])} for row in rows])


def _replicas(state: DescribeQuorumPartitionData, role: str) -> list[dict[str, Any]]:
    return [
        {
            "node": each.replica_id,
            "role": "leader" if each.replica_id == state.leader_id else role,
            "log_end_offset": each.log_end_offset,
            "caught_up": each.last_caught_up_timestamp,
        }
        for each in (state.current_voters if role == "voter" else state.observers)
    ]
