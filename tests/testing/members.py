"""A member of a group that does nothing by itself: every request is sent when the test says so."""

from __future__ import annotations

import socket
import struct
from typing import Any

from odradek.coordinator.records import consumer_protocol
from odradek.testing import Broker
from odradek.wire.apis.add_partitions_to_txn import AddPartitionsToTxnRequest, AddPartitionsToTxnTopic
from odradek.wire.apis.find_coordinator import FindCoordinatorRequest
from odradek.wire.apis.heartbeat import HeartbeatRequest
from odradek.wire.apis.init_producer_id import InitProducerIdRequest
from odradek.wire.apis.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from odradek.wire.apis.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from odradek.wire.errors import ErrorCode
from odradek.wire.frames import encode_request, read_response_header
from odradek.wire.schema import Message


class Member:
    def __init__(self, broker: Broker, group: str, name: str) -> None:
        self._socket = socket.create_connection(broker.address, timeout=20)
        self._group = group
        self._name = name
        self._id = ""
        self._generation = -1
        self._asked = 0
        self.ask(FindCoordinatorRequest(coordinator_keys=[group]), 4)

    def send(self, request: Message, version: int) -> None:
        self._asked += 1
        self._socket.sendall(encode_request(request, version, self._asked, self._name))

    def receive(self, request: type[Message], version: int) -> Any:
        (size,) = struct.unpack(">i", self._read(4))
        frame = self._read(size)
        _, position = read_response_header(frame, request, version)
        return request.response.decode(frame[position:], version)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            chunk = self._socket.recv(size - len(data))
            assert chunk, "the broker closed the connection"
            data += chunk
        return data

    def ask(self, request: Message, version: int) -> Any:
        self.send(request, version)
        return self.receive(type(request), version)

    def ask_to_join(self) -> None:
        """Send a JoinGroup, after the one that gives this member its id."""
        if not self._id:
            self._id = self.ask(self._join_request(), 5).member_id
        self.send(self._join_request(), 5)

    def _join_request(self) -> JoinGroupRequest:
        subscription = consumer_protocol.encode(consumer_protocol.ConsumerProtocolSubscription(topics=["t"]))
        return JoinGroupRequest(
            group_id=self._group,
            session_timeout_ms=45_000,
            rebalance_timeout_ms=300_000,
            member_id=self._id,
            protocol_type="consumer",
            protocols=[JoinGroupRequestProtocol(name="range", metadata=subscription)],
        )

    def joined(self) -> None:
        """Take the answer to a JoinGroup, and sync."""
        answer = self.receive(JoinGroupRequest, 5)
        assert answer.error_code == ErrorCode.NONE
        self._generation = answer.generation_id
        empty = consumer_protocol.encode(consumer_protocol.ConsumerProtocolAssignment())
        assignments = [
            SyncGroupRequestAssignment(member_id=member.member_id, assignment=empty) for member in answer.members
        ]
        request = SyncGroupRequest(
            group_id=self._group, generation_id=self._generation, member_id=self._id, assignments=assignments
        )
        assert self.ask(request, 3).error_code == ErrorCode.NONE

    def join(self) -> None:
        self.ask_to_join()
        self.joined()

    def heartbeat(self) -> ErrorCode:
        request = HeartbeatRequest(group_id=self._group, generation_id=self._generation, member_id=self._id)
        code = self.ask(request, 3).error_code
        return next(each for each in ErrorCode if each == code)

    def begin_transaction(self, name: str, timeout_ms: int) -> None:
        """Add a partition to a transaction, and never end it."""
        self.ask(FindCoordinatorRequest(coordinator_keys=[name], key_type=1), 4)
        producer = self.ask(InitProducerIdRequest(transactional_id=name, transaction_timeout_ms=timeout_ms), 4)
        assert producer.error_code == ErrorCode.NONE
        request = AddPartitionsToTxnRequest(
            v3_and_below_transactional_id=name,
            v3_and_below_producer_id=producer.producer_id,
            v3_and_below_producer_epoch=producer.producer_epoch,
            v3_and_below_topics=[AddPartitionsToTxnTopic(name="t", partitions=[0])],
        )
        added = self.ask(request, 3).results_by_topic_v3_and_below[0].results_by_partition[0]
        assert added.partition_error_code == ErrorCode.NONE

    def close(self) -> None:
        self._socket.close()
