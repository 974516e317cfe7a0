"""Words to requests, and responses and records to words, for the group transcripts (grammar: group_world.py)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from odradek.coordinator.records import consumer_protocol
from odradek.coordinator.records.offsets import GroupMetadataKey, OffsetCommitKey
from odradek.wire.apis.delete_groups import DeleteGroupsRequest
from odradek.wire.apis.heartbeat import HeartbeatRequest
from odradek.wire.apis.join_group import JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse
from odradek.wire.apis.leave_group import LeaveGroupRequest, MemberIdentity
from odradek.wire.apis.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from odradek.wire.apis.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from odradek.wire.apis.offset_fetch import OffsetFetchRequestGroup, OffsetFetchRequestTopics
from odradek.wire.apis.sync_group import SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse
from odradek.wire.apis.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from odradek.wire.errors import ErrorCode
from odradek.wire.schema import Message

NEWEST = {"join": 9, "sync": 5, "heartbeat": 4, "leave": 5, "commit": 9, "txn-commit": 5}
"""The version a command speaks unless it says v=."""


UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def duration(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text).groups()
    return int(number) * UNITS[unit]


def shown(ms: int) -> str:
    """A time in the largest unit that divides it."""
    unit = next(unit for unit in reversed(UNITS) if ms % UNITS[unit] == 0)
    return f"{ms // UNITS[unit]}{unit}" if ms else "0s"


@dataclass(eq=False)
class Asker:
    """A client that asks, by name."""

    name: str
    version: int
    client_host: str = "/127.0.0.1"

    @property
    def client_id(self) -> str:
        return self.name


@dataclass
class Words:
    """A command: its verb, plain words and name=value words."""

    verb: str
    plain: list[str] = field(default_factory=list)
    named: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, command: str) -> Words:
        verb, *rest = command.split()
        words = cls(verb)
        for word in rest:
            name, separator, value = word.partition("=")
            if separator and not _is_partition(name):
                words.named[name] = value
            else:
                words.plain.append(word)
        return words

    def get(self, name: str, default: str | None = None) -> str | None:
        return self.named.get(name, default)


def topic_id(topic: str) -> bytes:
    """Every topic name has a fixed id."""
    return hashlib.md5(topic.encode(), usedforsecurity=False).digest()


def metadata_of(text: str) -> bytes:
    """A member's metadata: @t+u is a subscription to t and u, anything else stands for itself."""
    if not text.startswith("@"):
        return text.encode()
    return consumer_protocol.encode(consumer_protocol.ConsumerProtocolSubscription(topics=text[1:].split("+")))


def metadata_text(metadata: bytes) -> str:
    if not metadata.startswith(b"\0"):
        return metadata.decode()
    subscription = consumer_protocol.decode(consumer_protocol.ConsumerProtocolSubscription, metadata)
    return "@" + "+".join(subscription.topics)


def build(words: Words, world: Any) -> tuple[Message, Any]:
    """The request of a command, and who asks."""
    name = words.plain[0] if words.plain and not _is_partition(words.plain[0].partition("=")[0]) else "admin"
    version = int(words.get("v", str(NEWEST.get(words.verb, 0))))
    request = _BUILDERS[words.verb](words, world, name)
    return request, Asker(name, version)


def _member(words: Words, world: Any, name: str) -> dict[str, Any]:
    """Group, member and instance id, as most requests have them."""
    member_id = words.get("id")
    if member_id is None:
        member_id = world.current.get(name, "")
    member_id = "" if member_id == "-" else world.id_of(member_id)
    return {
        "group_id": "" if words.get("group") == "-" else words.get("group", "g"),
        "member_id": member_id,
        "group_instance_id": words.get("instance"),
    }


def _generation(words: Words, world: Any) -> int:
    if (given := words.get("generation")) is not None:
        return int(given)
    group = world.shard.groups.get(words.get("group", "g"))
    return group.generation if group else 1


def _join(words: Words, world: Any, name: str) -> Message:
    protocols = [word.partition(":") for word in words.get("protocols", "range").split(",") if word]
    return JoinGroupRequest(
        **_member(words, world, name),
        session_timeout_ms=duration(words.get("session", "10s")),
        rebalance_timeout_ms=duration(words.get("rebalance", "60s")),
        protocol_type=words.get("type", "consumer"),
        protocols=[JoinGroupRequestProtocol(name=each, metadata=metadata_of(text)) for each, _, text in protocols],
    )


def _sync(words: Words, world: Any, name: str) -> Message:
    assigned = [word.partition(":") for word in words.get("assign", "").split(",") if word]
    return SyncGroupRequest(
        **_member(words, world, name),
        generation_id=_generation(words, world),
        protocol_type=words.get("type"),
        protocol_name=words.get("protocol"),
        assignments=[
            SyncGroupRequestAssignment(member_id=world.current.get(each, world.id_of(each)), assignment=text.encode())
            for each, _, text in assigned
        ],
    )


def _heartbeat(words: Words, world: Any, name: str) -> Message:
    return HeartbeatRequest(**_member(words, world, name), generation_id=_generation(words, world))


def _leave(words: Words, world: Any, name: str) -> Message:
    identities = []
    for each in words.plain:
        member = _member(words, world, each)
        member_id = member["member_id"] or ("" if "id" in words.named else each)
        identities.append(MemberIdentity(member_id=member_id, group_instance_id=member["group_instance_id"]))
    group_id = _member(words, world, name)["group_id"]
    return LeaveGroupRequest(group_id=group_id, member_id=identities[0].member_id, members=identities)


def _commit(words: Words, world: Any, name: str) -> Message:
    retention = words.get("retention")
    topics: dict[str, list[OffsetCommitRequestPartition]] = {}
    for word in words.plain[1:]:
        place, _, committed = word.partition("=")
        topic, index = _partition(place)
        offset, separator, metadata = committed.partition(":")
        partition = OffsetCommitRequestPartition(
            partition_index=index,
            committed_offset=int(offset),
            committed_leader_epoch=3,
            committed_metadata=metadata if separator else None,
        )
        topics.setdefault(topic, []).append(partition)
    return OffsetCommitRequest(
        **_member(words, world, name),
        generation_id_or_member_epoch=_generation(words, world),
        retention_time_ms=-1 if retention is None else duration(retention),
        topics=[
            OffsetCommitRequestTopic(name=topic, topic_id=topic_id(topic), partitions=partitions)
            for topic, partitions in topics.items()
        ],
    )


def _txn_commit(words: Words, world: Any, name: str) -> Message:
    topics: dict[str, list[TxnOffsetCommitRequestPartition]] = {}
    for word in words.plain[1:]:
        place, _, offset = word.partition("=")
        topic, index = _partition(place)
        partition = TxnOffsetCommitRequestPartition(partition_index=index, committed_offset=int(offset))
        topics.setdefault(topic, []).append(partition)
    return TxnOffsetCommitRequest(
        group_id=words.get("group", "g"),
        producer_id=int(name),
        topics=[TxnOffsetCommitRequestTopic(name=each, partitions=parts) for each, parts in topics.items()],
    )


def _delete_offsets(words: Words, world: Any, name: str) -> Message:
    topics: dict[str, list[int]] = {}
    for word in words.plain:
        topic, index = _partition(word)
        topics.setdefault(topic, []).append(index)
    return OffsetDeleteRequest(
        group_id=words.get("group", "g"),
        topics=[
            OffsetDeleteRequestTopic(
                name=topic, partitions=[OffsetDeleteRequestPartition(partition_index=each) for each in indexes]
            )
            for topic, indexes in topics.items()
        ],
    )


def _delete_group(words: Words, world: Any, name: str) -> Message:
    return DeleteGroupsRequest(groups_names=[words.get("group", "g")])


_BUILDERS = {
    "join": _join,
    "sync": _sync,
    "heartbeat": _heartbeat,
    "leave": _leave,
    "commit": _commit,
    "txn-commit": _txn_commit,
    "delete-offsets": _delete_offsets,
    "delete-group": _delete_group,
}


def fetch_request(words: Words) -> OffsetFetchRequestGroup:
    """Partitions named in the command, or everything."""
    topics: dict[str, list[int]] = {}
    for word in words.plain:
        if word != "stable":
            topic, index = _partition(word)
            topics.setdefault(topic, []).append(index)
    named = [OffsetFetchRequestTopics(name=topic, partition_indexes=indexes) for topic, indexes in topics.items()]
    return OffsetFetchRequestGroup(group_id=words.get("group", "g"), topics=named or None)


# ---- showing


def show_response(response: Any) -> str:
    """A response in one line."""
    match response:
        case JoinGroupResponse() if response.error_code:
            return f"{_code(response)} id={response.member_id or '-'}"
        case JoinGroupResponse():
            members = ",".join(f"{each.member_id}:{metadata_text(each.metadata)}" for each in response.members)
            skip = " skip-assignment" if response.skip_assignment else ""
            return (
                f"joined generation={response.generation_id} id={response.member_id} leader={response.leader}"
                f" protocol={response.protocol_name} members={members or '-'}{skip}"
            )
        case SyncGroupResponse() if not response.error_code:
            return f"assigned {response.assignment.decode() or 'nothing'}"
    if hasattr(response, "topics") and not getattr(response, "error_code", 0):
        return " ".join(
            f"{topic.name}-{each.partition_index}:{_code(each)}"
            for topic in response.topics
            for each in topic.partitions
        )
    if results := getattr(response, "results", None) or getattr(response, "members", None):
        return " ".join(f"{_who(each)}:{_code(each)}" for each in results)
    return _code(response)


def show_record(key: Any, value: Any, now_ms: int) -> str:
    """A record of the log in one line."""
    match key:
        case OffsetCommitKey() if value is None:
            return f"offset {key.group} {key.topic}-{key.partition} deleted"
        case OffsetCommitKey():
            metadata = f" {value.metadata}" if value.metadata else ""
            expiry = "" if value.expire_timestamp == -1 else f" expires +{shown(value.expire_timestamp - now_ms)}"
            return f"offset {key.group} {key.topic}-{key.partition}={value.offset}{metadata}{expiry}"
        case GroupMetadataKey() if value is None:
            return f"group {key.group} deleted"
    members = ",".join(f"{each.member_id}:{each.assignment.decode()}" for each in value.members)
    return (
        f"group {key.group} generation={value.generation} type={value.protocol_type or '-'}"
        f" protocol={value.protocol or '-'} leader={value.leader or '-'} members={members or '-'}"
    )


def show_offsets(answer: Any) -> str:
    places = (
        f"{topic.name}-{each.partition_index}={_code(each) if each.error_code else each.committed_offset}"
        + (f":{each.metadata}" if each.metadata else "")
        for topic in answer.topics
        for each in topic.partitions
    )
    return " ".join(places) or "none"


def show_description(group: Any) -> str:
    if group.error_code:
        return f"{_code(group)} {group.group_state}"
    members = ",".join(
        f"{each.member_id}:{metadata_text(each.member_metadata)}:{each.member_assignment.decode()}"
        for each in group.members
    )
    return (
        f"{group.group_state} type={group.protocol_type or '-'} protocol={group.protocol_data or '-'}"
        f" members={members or '-'}"
    )


def _code(answer: Any) -> str:
    return ErrorCode(answer.error_code).name


def _who(result: Any) -> str:
    named = (getattr(result, name, "") for name in ("member_id", "group_instance_id", "group_id"))
    return next(filter(None, named), "-")


def _is_partition(word: str) -> bool:
    topic, dash, index = word.rpartition("-")
    return bool(topic and dash and index.isdigit())


def _partition(place: str) -> tuple[str, int]:
    topic, _, index = place.rpartition("-")
    return topic, int(index)
