"""The frames that stock clients exchanged with Apache Kafka 4.3.1, one connection after the other."""

import json
from collections.abc import Iterator
from typing import NamedTuple

from odradek.wire.apis import request_class
from odradek.wire.schema import Message
from tests.wire.definitions import DATA

CLIENTS = sorted(path.stem for path in (DATA / "sessions").glob("*.jsonl"))


class Frame(NamedTuple):
    """One request or response, without its size. `version` is that of the request that it belongs to."""

    client: str
    number: int
    is_request: bool
    request: type[Message]
    version: int
    correlation_id: int
    client_id: str
    data: bytes


def frames(client: str) -> Iterator[Frame]:
    for line in (DATA / "sessions" / f"{client}.jsonl").read_text().splitlines():
        row = json.loads(line)
        yield Frame(
            client=client,
            number=row["n"],
            is_request=row["direction"] == "request",
            request=request_class(row["api_key"]),
            version=row["api_version"],
            correlation_id=row["correlation_id"],
            client_id=row["client_id"],
            data=bytes.fromhex(row["hex"]),
        )
