"""What a client feels of everything else that a broker does: a small request about every millisecond, on a connection
and in a process of its own. The longest wait for a reply is the longest pause of the broker's loop, and some more.

    with probing(subject.bootstrap) as felt:
        ...
    print(felt["max_ms"])
"""

import contextlib
import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Final

from odradek.wire.apis.api_versions import ApiVersionsRequest
from odradek.wire.frames import encode_request

from .. import raw
from ..figures import percentiles

BETWEEN_S: Final = 0.001


@contextlib.contextmanager
def probing(bootstrap: str) -> Iterator[dict[str, float]]:
    """Gives p50_ms, p99_ms, p999_ms and max_ms when the block has ended."""
    felt: dict[str, float] = {}
    argv = [sys.executable, "-m", __name__, bootstrap]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield felt
        finally:
            process.stdin.close()
            felt.update(json.loads(process.stdout.read()))


def main(bootstrap: str) -> None:
    client = raw.Client(bootstrap)
    frame = encode_request(ApiVersionsRequest(), 0, 1, "probe")
    raw.one_by_one(client, frame, 100)
    print("ready", flush=True)
    took: list[float] = []
    while not select.select([sys.stdin], [], [], 0)[0]:
        took += raw.one_by_one(client, frame, 1)
        time.sleep(BETWEEN_S)
    print(json.dumps(percentiles(took)))


if __name__ == "__main__":
    main(sys.argv[1])
