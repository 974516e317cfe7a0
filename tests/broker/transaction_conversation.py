"""One long conversation about transactions, in every version of every transactional API, to be had with any broker.

    python -m tests.broker.transaction_conversation 127.0.0.1:9092 > tests/data/transactions/conversation-4.3.1.txt

was run on a new Apache Kafka 4.3.1 with the configs in CONFIGS; test_transaction_conversation.py has the same
conversation with ours. conversation.py says what is replaced in the record. Where Kafka finishes something after its
answer, the conversation waits until it is finished.
"""

from __future__ import annotations

import re
import sys
from typing import Any

import trio

from odradek.wire.apis.add_partitions_to_txn import AddPartitionsToTxnRequest
from odradek.wire.apis.delete_groups import DeleteGroupsRequest
from odradek.wire.apis.describe_groups import DescribeGroupsRequest
from odradek.wire.apis.describe_producers import DescribeProducersRequest, TopicRequest
from odradek.wire.apis.describe_transactions import DescribeTransactionsRequest
from odradek.wire.apis.find_coordinator import FindCoordinatorRequest
from odradek.wire.apis.list_transactions import ListTransactionsRequest
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
from odradek.wire.apis.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics
from odradek.wire.apis.write_txn_markers import WritableTxnMarker, WritableTxnMarkerTopic, WriteTxnMarkersRequest
from odradek.wire.errors import ErrorCode
from odradek.wire.schema import Message

from .conversation import TRANSACTION, Conversation, Places, Producer
from .harness import Peer
from .transaction_chance import by_chance

CONFIGS = {
    "transaction_state_log_num_partitions": 1,
    "transaction_state_log_replication_factor": 1,
    "transaction_state_log_min_isr": 1,
    "transaction_abort_timed_out_transaction_cleanup_interval_ms": 200,
    "offsets_topic_num_partitions": 1,
    "offsets_topic_replication_factor": 1,
    "group_initial_rebalance_delay_ms": 0,
}


async def before(talk: Conversation) -> None:
    """Before there is a coordinator."""
    nobody = Producer(talk, "tx")
    nobody.id, nobody.epoch = 0, 0
    for version in (0, 5):
        await talk.ask("an id that nobody asked a coordinator for", nobody.init(), version)
    await talk.ask("a partition", nobody.add({"t": [0]}), 3)
    await talk.ask("offsets", nobody.add_offsets(), 4)
    await talk.ask("commit", nobody.end(True), 4)
    await talk.ask("offsets of a topic that is not", nobody.commit_offsets(("t", 0)), 4)
    await talk.ask("who is there", ListTransactionsRequest(), 2)
    await talk.ask("who is it", DescribeTransactionsRequest(transactional_ids=["tx", ""]), 0)
    find = FindCoordinatorRequest(coordinator_keys=["tx"], key_type=TRANSACTION)
    while (await talk.quiet(find, 6)).coordinators[0].error_code:
        await trio.sleep(0.1)
    while (await talk.quiet(DescribeTransactionsRequest(transactional_ids=["tx"]), 0)).transaction_states[
        0
    ].error_code != ErrorCode.TRANSACTIONAL_ID_NOT_FOUND:
        await trio.sleep(0.1)
    await talk.create("t")
    await talk.create("u")
    for version in range(1, 7):
        request = FindCoordinatorRequest(key="tx", key_type=TRANSACTION, coordinator_keys=["tx", ""])
        await talk.ask("where is it", request, version)


async def alone(talk: Conversation) -> None:
    """Producer ids without a transactional id."""
    nobody = Producer(talk, None)
    for version in range(6):
        await talk.ask("a fresh id", nobody.init(), version)
    await talk.ask("no timeout", nobody.init(0), 5)
    await talk.ask("with an id", nobody.init(producer_id=0, producer_epoch=0), 5)
    await talk.ask("with an epoch", nobody.init(producer_epoch=0), 5)
    await talk.ask("an empty transactional id", nobody.init(transactional_id=""), 5)


async def claims(talk: Conversation) -> None:
    """InitProducerId: who holds a transactional id."""
    one = Producer(talk, "claims")
    await talk.ask("no time at all", one.init(0), 5)
    await talk.ask("less than that", one.init(-1), 5)
    await talk.ask("too long", one.init(900_001), 5)
    await talk.ask("as somebody who was never there", one.init(producer_id=77, producer_epoch=3), 5)
    for version in range(6):
        answer = await talk.ask("again", one.init(), version)
    one.id, one.epoch = answer.producer_id, answer.producer_epoch
    for said, named in (
        ("as itself", {"producer_epoch": one.epoch}),
        ("the same once more", {"producer_epoch": one.epoch}),
        ("as before that", {"producer_epoch": one.epoch - 1}),
        ("as another id", {"producer_id": one.id + 1000, "producer_epoch": one.epoch}),
        ("as one to come", {"producer_epoch": one.epoch + 5}),
        ("an id without an epoch", {"producer_epoch": -1}),
        ("an epoch without an id", {"producer_id": -1, "producer_epoch": one.epoch}),
        ("as the last epoch", {"producer_epoch": 32767}),
    ):
        await talk.ask(said, one.init(**{"producer_id": one.id} | named), 5)
    await talk.ask("as nobody", one.init(), 5)


async def classic(talk: Conversation) -> None:
    """The protocol before KIP-890, in its versions."""
    for version in range(4):
        one = await talk.producer(f"classic-{version}")
        await talk.ask("commit of nothing", one.end(True), version)
        await talk.ask("abort of nothing", one.end(False), version)
        await talk.ask("two partitions", one.add({"t": [0, 1]}), version)
        await talk.ask("and again", one.add({"t": [1]}), version)
        await talk.ask("a record", one.produce(0), 3 + 2 * version)
        await talk.ask("the same record", one.produce(0), 3 + 2 * version)
        await talk.ask("one that comes too early", one.produce(0, sequence=5), 11)
        await talk.ask("commit", one.end(True), version)
        await one.rest()
        await talk.ask("commit again", one.end(True), version)
        await talk.ask("abort after that", one.end(False), version)
        await talk.ask("a record outside", one.produce(0, sequence=1), 11)
        await talk.ask("the next transaction", one.add({"t": [1]}), version)
        await talk.ask("its record", one.produce(1), 11)
        await talk.ask("abort", one.end(False), version)
        await one.rest()
        await talk.ask("abort again", one.end(False), version)


async def classic_refusals(talk: Conversation) -> None:
    """What a classic client must not do."""
    one = await talk.producer("classic-refusals")
    for said, named in (
        ("an old epoch", {"producer_epoch": one.epoch - 1}),
        ("a new epoch", {"producer_epoch": one.epoch + 1}),
        ("another producer", {"producer_id": one.id + 1000}),
        ("another transactional id", {"transactional_id": "unknown"}),
        ("no transactional id", {"transactional_id": ""}),
    ):
        for version in (0, 1, 2, 3):
            await talk.ask(said, one.add({"t": [0]}, **named), version)
        for version in (0, 1, 2, 4):
            await talk.ask(said, one.add_offsets(**named), version)
            await talk.ask(said, one.end(True, **named), version)
    await talk.ask("a topic that is not", one.add({"none": [0], "t": [0, 9]}), 3)
    await talk.ask("no partition", one.add({}), 3)
    await talk.ask("a record of a partition that was not added", one.produce(0), 10)
    await talk.ask("a record of a partition that was not added", one.produce(0), 11)
    await talk.ask("a group without a name", one.add_offsets(""), 4)
    await talk.ask("a partition", one.add({"t": [0]}), 3)
    for said, named in (
        ("a record of an old epoch", {"producer_epoch": one.epoch - 1}),
        ("a record of a new epoch", {"producer_epoch": one.epoch + 1}),
        ("a record of another producer", {"producer_id": one.id + 1000}),
        ("a record of another transactional id", {"transactional_id": "unknown"}),
        ("a record without a transactional id", {"transactional_id": None}),
        ("a record outside of transactions", {"transactional": False}),
    ):
        await talk.ask(said, one.produce(0, **named), 11)
    await talk.ask("its first record", one.produce(0, sequence=3), 11)
    await talk.ask("its first record", one.produce(0), 11)
    await talk.ask("one outside of transactions, in between", one.produce(0, sequence=1, transactional=False), 11)
    await talk.ask("one of an old epoch", one.produce(0, sequence=1, producer_epoch=one.epoch - 1), 11)
    await one.ended(False, 4)


async def new(talk: Conversation) -> None:
    """The protocol of KIP-890."""
    one = await talk.producer("new")
    await talk.ask("commit of nothing", one.end(True), 5)
    answer = await talk.ask("abort of nothing", one.end(False), 5)
    await one.rest()
    await talk.ask("the same again", one.end(False), 5)
    one.epoch = answer.producer_epoch
    for commit in (True, False):
        await talk.ask("a record", one.produce(0, 1), 12)
        await talk.ask("the same record", one.produce(0), 12)
        await talk.ask("another one", one.produce(1, sequence=1), 12)
        answer = await talk.ask("commit" if commit else "abort", one.end(commit), 5)
        await one.rest()
        await talk.ask("the same again", one.end(commit), 5)
        await talk.ask("the other outcome", one.end(not commit), 5)
        await talk.ask("a record of the epoch before", one.produce(0, sequence=1), 12)
        await talk.ask("a record of the epoch before, to another partition", one.produce(0, topic="u"), 12)
        one.epoch = answer.producer_epoch
        await talk.ask("commit of nothing", one.end(True), 5)
    await talk.ask("a claim", one.init(producer_id=one.id, producer_epoch=one.epoch), 5)
    await talk.ask("the same claim", one.init(producer_id=one.id, producer_epoch=one.epoch), 5)


async def new_refusals(talk: Conversation) -> None:
    """What a new client must not do."""
    one = await talk.producer("new-refusals")
    for said, named in (
        ("an old epoch", {"producer_epoch": one.epoch - 1}),
        ("a new epoch", {"producer_epoch": one.epoch + 1}),
        ("another producer", {"producer_id": one.id + 1000}),
        ("another transactional id", {"transactional_id": "unknown"}),
    ):
        await talk.ask(said, one.end(False, **named), 5)
        await talk.ask(said, one.produce(0, **named), 12)
    await talk.ask("no transactional id", one.end(False, transactional_id=""), 5)
    await talk.ask("a partition that is not", one.produce(0, 9), 12)
    await talk.ask("a first record with a wrong sequence", one.produce(1, sequence=4), 12)
    for said, named in (
        ("an old epoch", {"producer_epoch": one.epoch - 1}),
        ("a new epoch", {"producer_epoch": one.epoch + 1}),
        ("another producer", {"producer_id": one.id + 1000}),
        ("another transactional id", {"transactional_id": "unknown"}),
        ("no transactional id", {"transactional_id": None}),
    ):
        await talk.ask(f"{said}, open", one.produce(0, sequence=1, **named), 12)
    await talk.ask("a classic end of it", one.end(True), 4)
    await one.rest()
    await talk.ask("and a classic one again", one.end(True), 4)
    await talk.ask("and a new one", one.end(True), 5)


async def by_brokers(talk: Conversation) -> None:
    """AddPartitionsToTxn as brokers send it: many transactions at once, to add or to verify."""
    one, two = await talk.producer("by-brokers-1"), await talk.producer("by-brokers-2")
    for version in (4, 5):
        batch = [one.added({"t": [0]}, verify_only=True), two.added({"t": [0], "u": [1]})]
        await talk.ask("one verifies, one adds", AddPartitionsToTxnRequest(transactions=batch), version)
        batch = [two.added({"t": [0, 1]}, verify_only=True), one.added({"none": [0]})]
        await talk.ask("one verifies, one adds what is not", AddPartitionsToTxnRequest(transactions=batch), version)
        for named in (
            {"producer_epoch": two.epoch - 1},
            {"producer_epoch": two.epoch + 1},
            {"producer_id": two.id + 1000},
            {"transactional_id": "unknown"},
            {"transactional_id": ""},
        ):
            said = next(iter(named)).replace("_", " ")
            for verify_only in (True, False):
                batch = [two.added({"t": [0]}, verify_only=verify_only, **named)]
                request = AddPartitionsToTxnRequest(transactions=batch)
                await talk.ask(f"wrong {said}, {'verify' if verify_only else 'add'}", request, version)
    await two.ended(True)
    batch = [two.added({"t": [0]}, verify_only=True)]
    await talk.ask("after the end", AddPartitionsToTxnRequest(transactions=batch), 5)


async def fencing(talk: Conversation) -> None:
    """A second producer of the same transactional id."""
    for name, produce, end in (("classic", 11, 4), ("new", 12, 5)):
        first = await talk.producer(f"fenced-{name}")
        if name == "classic":
            await talk.quiet(first.add({"t": [0]}), 3)
        await talk.ask("a record of the first", first.produce(0), produce)
        second = Producer(talk, first.transactional_id)
        for version in (4, 5):
            await talk.ask("the second comes", second.init(), version)
            await first.rest()
        await talk.ask("a record of the first", first.produce(0, sequence=1), produce)
        await talk.ask("a record of the first to another partition", first.produce(1), produce)
        await talk.ask("the end of the first", first.end(True), end)
        for version in (1, 2, 4):
            await talk.ask("the end of the first", first.end(True), version)
            await talk.ask("a partition of the first", first.add({"t": [1]}), min(version, 3))
            await talk.ask("a group of the first", first.add_offsets(), version)
        for version in (2, 3, 4, 5):
            await talk.ask("offsets of the first", first.commit_offsets(("t", 0)), version)
        for version in (3, 4, 5):
            request = first.init(producer_id=first.id, producer_epoch=first.epoch)
            await talk.ask("the first claims it", request, version)
        await talk.ask("producers", DescribeProducersRequest(topics=[TopicRequest(name="t", partition_indexes=[0])]), 0)


async def offsets(talk: Conversation) -> None:
    """Offsets of a group in a transaction."""
    groups = [OffsetFetchRequestGroup(group_id="g", topics=None)]
    find = FindCoordinatorRequest(coordinator_keys=["g"])
    while (await talk.quiet(find, 6)).coordinators[0].error_code:
        await trio.sleep(0.1)
    while (await talk.quiet(OffsetFetchRequest(groups=groups), 8)).groups[0].error_code:
        await trio.sleep(0.1)
    for version in range(6):
        one = await talk.producer(f"offsets-{version}")
        await talk.ask("offsets that were not added", one.commit_offsets(("t", 0)), version)
        if version < 5:
            await talk.ask("the group", one.add_offsets(), min(version, 4))
        await talk.ask("offsets", one.commit_offsets(("t", 0), ("u", 9), ("none", 0)), version)
        await talk.ask("of a group without a name", one.commit_offsets(("t", 0), group=""), version)
        await talk.ask("nothing", one.commit_offsets(), version)
        if version >= 3:
            who = {"generation_id": 1, "member_id": "ghost"}
            await talk.ask("as a member", one.commit_offsets(("t", 0), **who), version)
            await talk.ask("as a member of no group", one.commit_offsets(("t", 0), group="missing", **who), version)
            who = {"generation_id": 1, "member_id": "", "group_instance_id": "nobody"}
            await talk.ask("as a static member", one.commit_offsets(("t", 0), **who), version)
            await talk.ask("with a generation alone", one.commit_offsets(("t", 0), generation_id=3), version)
        for said, named in (
            ("of an old epoch", {"producer_epoch": one.epoch - 1}),
            ("of a new epoch", {"producer_epoch": one.epoch + 1}),
            ("of another producer", {"producer_id": one.id + 1000}),
            ("of another transactional id", {"transactional_id": "unknown"}),
            ("of no transactional id", {"transactional_id": ""}),
        ):
            await talk.ask(f"offsets {said}", one.commit_offsets(("t", 0), **named), version)
        for require_stable in (False, True):
            request = OffsetFetchRequest(groups=groups, require_stable=require_stable)
            await talk.ask(f"what is committed, {require_stable}", request, 8)
        await one.ended(version % 2 == 1, 5 if version == 5 else 4)
        request = OffsetFetchRequest(groups=groups, require_stable=True)
        await talk.ask("what is committed after the end", request, 8)


async def deletions(talk: Conversation) -> None:
    """Offsets and groups that are deleted while a transaction has offsets for them."""
    for said, committed, commit in (
        ("only pending", None, True),
        ("committed before", 3, True),
        ("committed before and aborted", 3, False),
    ):
        for kind in ("offsets", "group", "neither"):
            group = f"{said} {kind}"
            one = await talk.producer(group)
            if committed is not None:
                await talk.quiet(simple_commit(group, committed), 8)
            await talk.quiet(one.commit_offsets(("t", 0), group=group), 5)
            groups = [OffsetFetchRequestGroup(group_id=group, topics=None)]
            topics = [OffsetFetchRequestTopics(name="t", partition_indexes=[0])]
            fetches = [
                OffsetFetchRequest(groups=groups, require_stable=True),
                OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id=group, topics=topics)]),
                OffsetFetchRequest(
                    groups=[OffsetFetchRequestGroup(group_id=group, topics=topics)], require_stable=True
                ),
            ]
            for fetch in fetches:
                await talk.ask(f"{group}: what is there", fetch, 8)
            if kind == "offsets":
                partitions = [OffsetDeleteRequestPartition(partition_index=index) for index in (0, 1)]
                deleted = [OffsetDeleteRequestTopic(name="t", partitions=partitions)]
                await talk.ask("delete them", OffsetDeleteRequest(group_id=group, topics=deleted), 0)
            elif kind == "group":
                await talk.ask("describe it", DescribeGroupsRequest(groups=[group]), 5)
                await talk.ask("delete it", DeleteGroupsRequest(groups_names=[group]), 2)
                await talk.ask("describe it", DescribeGroupsRequest(groups=[group]), 5)
            else:
                await talk.ask("commit outside of the transaction", simple_commit(group, 5), 8)
            for fetch in fetches:
                await talk.ask("what is there", fetch, 8)
            await one.ended(commit)
            for fetch in fetches:
                await talk.ask("what is there in the end", fetch, 8)
            await talk.ask("describe it", DescribeGroupsRequest(groups=[group]), 5)


def simple_commit(group: str, offset: int) -> OffsetCommitRequest:
    """As an administrator commits for a group without members."""
    partition = OffsetCommitRequestPartition(partition_index=0, committed_offset=offset, committed_metadata="simple")
    topic = OffsetCommitRequestTopic(name="t", partitions=[partition])
    return OffsetCommitRequest(group_id=group, generation_id_or_member_epoch=-1, topics=[topic])


async def markers(talk: Conversation) -> None:
    """WriteTxnMarkers."""

    def write(producer: Producer, commit: bool, places: Places, coordinator_epoch: int = 0, **named: Any) -> Message:
        given = {"producer_id": producer.id, "producer_epoch": producer.epoch, "coordinator_epoch": coordinator_epoch}
        topics = [WritableTxnMarkerTopic(name=name, partition_indexes=indexes) for name, indexes in places.items()]
        marker = WritableTxnMarker(transaction_result=commit, topics=topics, **given | named)
        return WriteTxnMarkersRequest(markers=[marker])

    stranger = Producer(talk, None)
    stranger.id, stranger.epoch = 5_000, 3
    for version in (1, 2):
        await talk.ask("of a producer that never wrote", write(stranger, True, {"t": [0]}), version)
        await talk.ask("of an epoch before", write(stranger, True, {"t": [0]}, producer_epoch=2), version)
        await talk.ask("to what is not", write(stranger, True, {"t": [9], "none": [0]}), version)
        await talk.ask("nothing", WriteTxnMarkersRequest(markers=[]), version)
        await talk.ask("of a coordinator to come", write(stranger, False, {"t": [1]}, 7), version)
        await talk.ask("of a coordinator of the past", write(stranger, False, {"t": [1]}, 6), version)
    one = await talk.producer("marked")
    await talk.quiet(one.produce(0, topic="u"), 12)
    await talk.ask("with the epoch of an open one", write(one, True, {"u": [0]}, transaction_version=2), 2)
    await talk.ask("with the next epoch", write(one, False, {"u": [0]}, transaction_version=2,
                                                producer_epoch=one.epoch + 1), 2)  # fmt: skip
    await talk.ask("a record after it", one.produce(0, topic="u", sequence=1), 12)
    await one.ended(False)


async def looking(talk: Conversation) -> None:
    """DescribeTransactions, ListTransactions, DescribeProducers."""
    one = await talk.producer("looked-at")
    await talk.quiet(one.produce(1), 12)
    await talk.ask("all", DescribeTransactionsRequest(transactional_ids=["looked-at", "claims", "none", ""]), 0)
    for version, filters in (
        (0, {"state_filters": ["Ongoing"]}),
        (0, {"state_filters": ["Empty", "nonsense", "ongoing"]}),
        (0, {"producer_id_filters": [one.id, 12345]}),
        (1, {"duration_filter": 3_600_000}),
        (1, {"duration_filter": 0, "state_filters": ["Ongoing"]}),
        (2, {"transactional_id_pattern": "looked.*"}),
        (2, {"transactional_id_pattern": "looked"}),
        (2, {"transactional_id_pattern": ""}),
        (2, {"transactional_id_pattern": "("}),
    ):
        answer = await talk.quiet(ListTransactionsRequest(**filters), version)
        found = sorted((each.transactional_id, each.transaction_state) for each in answer.transaction_states)
        unknown = sorted(answer.unknown_state_filters)
        count = found if len(found) < 3 else len(found)
        talk.lines.append(f"{filters} | ListTransactions v{version}: {answer.error_code} {unknown} {count}".replace(
            str(one.id), "ID"))  # fmt: skip
    places = [TopicRequest(name="t", partition_indexes=[9]), TopicRequest(name="none", partition_indexes=[0])]
    await talk.ask("producers of what is not", DescribeProducersRequest(topics=places), 0)
    answer = await talk.quiet(DescribeProducersRequest(topics=[TopicRequest(name="t", partition_indexes=[0, 1])]), 0)
    for partition in answer.topics[0].partitions:
        for each in sorted(partition.active_producers, key=lambda each: each.producer_id):
            talk.lines.append(re.sub(r"=1[5-9]\d{11}\b", "=TIME", f"t-{partition.partition_index}: {each!r}"))
    await one.ended(False)


async def timeouts(talk: Conversation) -> None:
    """A transaction that takes too long."""
    for name, produce, end in (("classic", 11, 4), ("new", 12, 5)):
        one = await talk.producer(f"late-{name}", 300)
        if name == "classic":
            await talk.quiet(one.add({"t": [0]}), 3)
        await talk.ask("a record", one.produce(0), produce)
        request = DescribeTransactionsRequest(transactional_ids=[one.transactional_id or ""])
        while (await talk.quiet(request, 0)).transaction_states[0].transaction_state != "CompleteAbort":
            await trio.sleep(0.02)
        await talk.ask("what became of it", request, 0)
        await talk.ask("a record", one.produce(0, sequence=1), produce)
        await talk.ask("a record to another partition", one.produce(1), produce)
        await talk.ask("the end", one.end(True), end)
        await talk.ask("the end", one.end(False), end)
        await talk.ask("a partition", one.add({"t": [0]}), 3)
        claim = one.init(300, producer_id=one.id, producer_epoch=one.epoch)
        await talk.ask("a claim", claim, 5)
        await talk.ask("another life", one.init(300), 5)


async def levels(talk: Conversation) -> None:
    """transaction.version 1 and 0, with clients of both protocols."""
    for level, upgrade_type in ((1, 2), (0, 2), (2, 1)):
        await talk.set_level(level, upgrade_type)
        old, young = await talk.producer(f"old-{level}"), await talk.producer(f"young-{level}")
        await talk.ask(f"level {level}: a classic partition", old.add({"t": [0]}), 3)
        await talk.ask("a classic record", old.produce(0), 11)
        await talk.ask("a classic end", old.end(True), 4)
        await old.rest()
        await talk.ask("a new record", young.produce(0), 12)
        if level == 0:
            continue  # Kafka answers CONCURRENT_TRANSACTIONS to whatever this producer asks from here on
        await talk.ask("new offsets", young.commit_offsets(("t", 0)), 5)
        answer = await talk.ask("a new end", young.end(True), 5)
        if not answer.error_code:
            young.epoch = answer.producer_epoch
        await young.rest()
        await talk.ask("the next one", young.produce(1), 12)
        answer = await talk.ask("its end", young.end(False), 5)
        await young.rest()
        batch = [old.added({"t": [1]})]
        await talk.ask("by a broker", AddPartitionsToTxnRequest(transactions=batch), 5)
        await talk.ask("and a classic end", old.end(False), 4)
        await old.rest()


async def hold(peer: Peer, settle_s: float = 0) -> str:
    """The whole conversation; its record."""
    talk = Conversation(peer, settle_s)
    for part in PARTS:
        talk.lines += ["", f"# {(part.__doc__ or '').splitlines()[0]}"]
        await part(talk)
    return "\n".join(talk.lines).lstrip("\n") + "\n"


async def chance(talk: Conversation) -> None:
    """Requests by chance."""
    await by_chance(talk, seed=1, steps=300)


PARTS = (before, alone, claims, classic, classic_refusals, new, new_refusals, by_brokers, fencing, offsets, deletions,
         markers, chance, looking, timeouts, levels)  # fmt: skip


async def _record(address: str) -> None:
    host, _, port = address.rpartition(":")
    with trio.fail_after(60):
        print(await hold(Peer(await trio.open_tcp_stream(host, int(port))), settle_s=0.3), end="")


if __name__ == "__main__":
    trio.run(_record, sys.argv[1])
