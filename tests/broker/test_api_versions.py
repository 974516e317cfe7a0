"""ApiVersions is encoded once for each version and state of the cluster, and true at each."""

from __future__ import annotations

from pathlib import Path

import pytest

from odradek.wire.apis.api_versions import ApiVersionsRequest, ApiVersionsResponse

from . import harness
from .harness import Peer, create_topic, run


def asked_by(name: str) -> ApiVersionsRequest:
    return ApiVersionsRequest(client_software_name=name, client_software_version="1")


@pytest.mark.parametrize("version", range(5))
def test_the_answer_follows_the_cluster(tmp_path: Path, version: int) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (serving, connect):
            peer = await connect()

            async def ask() -> ApiVersionsResponse:
                answer: ApiVersionsResponse = await peer.ask(asked_by("someone"), version)
                return answer

            first, again = await ask(), await ask()
            assert first == again
            assert len(first.api_keys) == len(serving.apis)
            await create_topic(peer, "t")
            after = await ask()
            if version >= 3:
                assert after.finalized_features_epoch == serving.metadata.image.offset > first.finalized_features_epoch
                after.finalized_features_epoch = first.finalized_features_epoch
            assert after == first

    run(main)


def test_each_client_is_remembered_by_its_own_name(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (serving, connect):
            peers: list[Peer] = []
            for name in ("one", "two"):
                peers.append(await connect())
                await peers[-1].ask(asked_by(name), 4)
            assert {connection.client_software for connection in serving.connections} == {("one", "1"), ("two", "1")}

    run(main)
