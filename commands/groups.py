"""`odradek groups`: list, describe with lag, delete, reset offsets."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import click

from ..coordinator.records.consumer_protocol import ConsumerProtocolAssignment, decode
from ..wire.apis.consumer_group_describe import ConsumerGroupDescribeRequest
from ..wire.apis.delete_groups import DeleteGroupsRequest
from ..wire.apis.describe_groups import DescribedGroupMember, DescribeGroupsRequest
from ..wire.apis.list_groups import ListGroupsRequest
from ..wire.apis.offset_commit import OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic
from ..wire.apis.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup
from ..wire.errors import ErrorCode, ProtocolError
from .client import Cluster, Connection, patiently, speaks
from .errors import Failure, Failures, Refused, check
from .options import CONTEXT, Session, with_cluster
from .positions import LATEST, MEANINGS, Position, TopicPartition, offsets_at, position_type, resolve
from .tables import counted

NAMED_TOPICS = 9
"""The last version of OffsetFetch and OffsetCommit that names topics."""

CONSUMER = "consumer"
"""The protocol type of groups of consumers; only their assignments can be read."""


@click.group(invoke_without_command=True, context_settings=CONTEXT)
@with_cluster
@click.pass_context
def command(context: click.Context, session: Session) -> None:
    """List groups, describe them with their lag, reset their offsets. Without a subcommand: list.

    \b
        odradek groups
        odradek groups describe billing
        odradek groups reset billing --topic orders --to earliest
    """
    if context.invoked_subcommand is None:
        print_list(session)


@command.command("list")
@with_cluster
def list_(session: Session) -> None:
    """List the groups of all brokers."""
    print_list(session)


def print_list(session: Session) -> None:
    rows: list[dict[str, Any]] = []
    with session.cluster() as cluster:
        for broker in cluster.all_brokers():
            rows += patiently(lambda broker=broker: groups_of(broker))  # type: ignore[misc]
    rows.sort(key=lambda row: row["group"])
    session.show(rows, empty="There are no groups: a consumer with a group.id makes one.")


def groups_of(broker: Connection) -> list[dict[str, Any]]:
    answer = broker.ask(ListGroupsRequest())
    check(f"groups of {broker.address}", answer.error_code)
    return [
        {
            "group": each.group_id,
            "state": each.group_state or None,
            "type": each.group_type or None,
            "protocol": each.protocol_type or None,
        }
        for each in answer.groups
    ]


@command.command()
@click.argument("groups", nargs=-1, required=True, metavar="GROUP...")
@with_cluster
def describe(session: Session, groups: tuple[str, ...]) -> None:
    """Show members, committed offsets and how far they are behind (the lag)."""
    with session.cluster() as cluster:
        found = [described(cluster, group) for group in groups]
    if session.as_json:
        session.show(found)
        return
    for group in found:
        members = counted(len(group["members"]), "member") if group["members"] else "no members"
        lag = sum(row["lag"] or 0 for row in group["offsets"])
        click.echo(f"{group['group']}  {group['state']}, {members}, lag {lag}")
        if group["members"]:
            rows = [{**member, "assigned": _assigned(member["assigned"])} for member in group["members"]]
            session.show(rows)
            click.echo()
        session.show(group["offsets"], empty="It has committed no offsets.")
        click.echo()


def _assigned(partitions: dict[str, list[int]]) -> list[str]:
    return [f"{topic}-{index}" for topic, indexes in partitions.items() for index in indexes]


def described(cluster: Cluster, group: str) -> dict[str, Any]:
    """A group with its members, what it has committed, and its lag. Raises Refused."""
    state, members = patiently(lambda: _state(cluster, group))
    committed = patiently(lambda: _committed(cluster, group))
    owners = {
        (topic, index): member["client"]
        for member in members
        for topic, indexes in member["assigned"].items()
        for index in indexes
    }
    places = sorted({*committed, *owners})
    ends = offsets_at(cluster, dict.fromkeys(_still_there(cluster, places), LATEST))
    offsets = []
    for place in places:
        at, end = committed.get(place), ends.get(place)
        lag = max(end - at, 0) if at is not None and end is not None else None
        row = {"topic": place[0], "partition": place[1], "committed": at, "end": end, "lag": lag}
        offsets.append({**row, "client": owners.get(place)})
    return {"group": group, "state": state, "members": members, "offsets": offsets}


def _still_there(cluster: Cluster, places: list[TopicPartition]) -> list[TopicPartition]:
    """Partitions that have a leader: offsets of deleted topics stay for a while."""
    names = sorted({topic for topic, _ in places})
    led = {
        (topic.name, each.partition_index)
        for topic in (cluster.metadata(names).topics if names else [])
        for each in topic.partitions
        if each.leader_id >= 0
    }
    return [place for place in places if place in led]


def _state(cluster: Cluster, group: str) -> tuple[str, list[dict[str, Any]]]:
    """State and members. Classic groups and those of KIP-848 are asked for by different APIs."""
    coordinator = cluster.coordinator(group)
    (classic,) = coordinator.ask(DescribeGroupsRequest(groups=[group])).groups
    if classic.error_code == ErrorCode.NONE and classic.group_state != "Dead":
        return classic.group_state, [_classic_member(member, classic.protocol_type) for member in classic.members]
    if speaks(coordinator, ConsumerGroupDescribeRequest):
        (modern,) = coordinator.ask(ConsumerGroupDescribeRequest(group_ids=[group])).groups
        check(f"group {group}", modern.error_code)
        return modern.group_state, [
            {
                "member": each.member_id,
                "client": each.client_id,
                "host": each.client_host,
                "assigned": {topic.topic_name: topic.partitions for topic in each.assignment.topic_partitions},
            }
            for each in modern.members
        ]
    code = classic.error_code or ErrorCode.GROUP_ID_NOT_FOUND
    raise Refused(f"group {group}", code)


def _classic_member(member: DescribedGroupMember, protocol_type: str) -> dict[str, Any]:
    assigned: dict[str, list[int]] = {}
    if protocol_type == CONSUMER and member.member_assignment:
        try:
            assignment = decode(ConsumerProtocolAssignment, member.member_assignment)
            assigned = {each.topic: each.partitions for each in assignment.assigned_partitions}
        except ProtocolError:
            pass  # a client that has its own idea of an assignment
    return {
        "member": member.member_id,
        "client": member.client_id,
        "host": member.client_host,
        "assigned": assigned,
    }


def _committed(cluster: Cluster, group: str) -> dict[TopicPartition, int]:
    request = OffsetFetchRequest(
        group_id=group, topics=None, groups=[OffsetFetchRequestGroup(group_id=group, topics=None)]
    )
    answer = cluster.coordinator(group).ask(request, newest=NAMED_TOPICS)
    found = answer.groups[0] if answer.groups else answer
    check(f"offsets of group {group}", found.error_code)
    return {
        (topic.name, each.partition_index): each.committed_offset
        for topic in found.topics
        for each in topic.partitions
        if each.committed_offset >= 0
    }


@command.command()
@click.argument("groups", nargs=-1, required=True, metavar="GROUP...")
@with_cluster
def delete(session: Session, groups: tuple[str, ...]) -> None:
    """Delete groups without members, and their offsets."""
    failures = Failures()
    with session.cluster() as cluster:
        for group in groups:
            try:
                patiently(lambda group=group: _delete(cluster, group))  # type: ignore[misc]
            except Refused as refused:
                failures.note(refused)
            else:
                session.say(f"{group} deleted.", group=group, deleted=True)
    failures.finish()


def _delete(cluster: Cluster, group: str) -> None:
    (result,) = cluster.coordinator(group).ask(DeleteGroupsRequest(groups_names=[group])).results
    check(f"group {group}", result.error_code)


@command.command()
@click.argument("group")
@click.option(
    "--topic",
    "-t",
    "topics",
    multiple=True,
    metavar="NAME[:PARTITION]",
    help="What to reset.  [default: all committed]",
)
@click.option("--to", "position", type=position_type, required=True, metavar="POSITION", help=f"{MEANINGS}.")
@click.option("--dry-run", is_flag=True, help="Only show what would be committed.")
@with_cluster
def reset(session: Session, group: str, topics: tuple[str, ...], position: Position, dry_run: bool) -> None:
    """Commit other offsets for a group whose consumers are stopped.

    \b
        odradek groups reset billing --to earliest --dry-run
        odradek groups reset billing --topic orders:0 --to 2024-05-01T10:00
        odradek groups reset billing --topic orders --to -100
    """
    with session.cluster() as cluster:
        before = patiently(lambda: _committed(cluster, group))
        places = _chosen(cluster, group, topics, before)
        after = resolve(cluster, places, position, session.now_ms())
        if not dry_run:
            patiently(lambda: _commit(cluster, group, after))
    session.show(
        [
            {"topic": place[0], "partition": place[1], "before": before.get(place), "after": after[place]}
            for place in places
        ]
    )
    if dry_run:
        click.echo("Nothing was committed: --dry-run.", err=True)


def _chosen(
    cluster: Cluster, group: str, topics: tuple[str, ...], before: dict[TopicPartition, int]
) -> list[TopicPartition]:
    if not topics:
        places = _still_there(cluster, sorted(before))
        if not places:
            raise Failure(f"group {group} has committed no offsets: say with --topic what to reset")
        return places
    places = []
    for text in topics:
        name, separator, index = text.partition(":")
        indexes = [each.partition_index for each in cluster.topic(name).partitions]
        if separator:
            if not (index.isascii() and index.isdecimal() and int(index) in indexes):
                raise Failure(f"--topic {text}: {name} has the partitions 0 to {len(indexes) - 1}")
            indexes = [int(index)]
        places += [(name, each) for each in indexes]
    return places


def _commit(cluster: Cluster, group: str, offsets: dict[TopicPartition, int]) -> None:
    by_topic = defaultdict(list)
    for (topic, index), offset in offsets.items():
        by_topic[topic].append(OffsetCommitRequestPartition(partition_index=index, committed_offset=offset))
    request = OffsetCommitRequest(
        group_id=group,
        topics=[OffsetCommitRequestTopic(name=name, partitions=each) for name, each in by_topic.items()],
    )
    for topic in cluster.coordinator(group).ask(request, newest=NAMED_TOPICS).topics:
        for each in topic.partitions:
            check(f"group {group}, {topic.name}-{each.partition_index}", each.error_code)
