"""`odradek serve` with a clock on every request: where its time goes, by API.

    python -m interop.bench --profile single pipelined      rows, on such a broker
    python -m interop.bench.profiled serve ...              such a broker for loads of one's own

At its end it writes a table to stderr: for each API and version the requests, and microseconds of CPU a request for
reading it (header, decoding), for the handler, and for the reply (encoding). What is left of the process' CPU is what
waiting, receiving and sending cost. The clocks themselves take about a microsecond a request.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from odradek.broker import __main__ as command_line
from odradek.broker import broker, connection
from odradek.broker.dispatch import Api, Call, table

READ, HANDLE, REPLY = range(3)
PARTS = ("read", "handle", "reply")


class Profile:
    """Seconds of CPU by API and version, for each part of a request's way."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, int], int] = defaultdict(int)
        self.seconds: dict[tuple[str, int], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])

    def install(self) -> None:
        """Put clocks into every broker and connection that is made from now on."""
        answer: Any = connection.Connection._answer
        reply: Any = connection.Connection._reply

        def timed_answer(serving: Any, frame: memoryview) -> Any:
            began = time.thread_time()
            api = serving._apis.get(int.from_bytes(frame[:2], "big"))
            key = ("unknown" if api is None else api.name), int.from_bytes(frame[2:4], "big")
            parts = self.seconds[key]
            elsewhere = parts[HANDLE] + parts[REPLY]
            unfinished = answer(serving, frame)
            parts[READ] += time.thread_time() - began - (parts[HANDLE] + parts[REPLY] - elsewhere)
            self.requests[key] += 1
            return unfinished

        def timed_reply(serving: Any, result: Any, call: Call) -> None:
            began = time.thread_time()
            reply(serving, result, call)
            self.seconds[call.api.name, call.version][REPLY] += time.thread_time() - began

        setattr(connection.Connection, "_answer", timed_answer)  # noqa: B010
        setattr(connection.Connection, "_reply", timed_reply)  # noqa: B010
        setattr(broker, "table", lambda: {key: self._timed(api) for key, api in table().items()})  # noqa: B010

    def _timed(self, api: Api) -> Api:
        """The row of an API with a clock round its handler."""

        def handler(request: Any, call: Call) -> Any:
            began = time.thread_time()
            try:
                return api.handler(request, call)
            finally:
                self.seconds[api.name, call.version][HANDLE] += time.thread_time() - began

        return replace(api, handler=handler)

    def table(self) -> str:
        return "\n".join(self._lines(self.seconds))

    def _lines(self, seconds: Mapping[tuple[str, int], list[float]]) -> list[str]:
        titles = "".join(f"{part + ', us':>12}" for part in PARTS)
        lines = [f"{'':34}{'requests':>10}{titles}{'total, s':>12}"]
        for (name, version), parts in sorted(seconds.items(), key=lambda item: -sum(item[1])):
            count = self.requests[name, version]
            if count:
                cells = "".join(f"{part / count * 1e6:12.1f}" for part in parts)
                lines.append(f"{name:30} v{version:<2}{count:10}{cells}{sum(parts):12.2f}")
        total = sum(map(sum, seconds.values()))
        lines.append(f"requests {total:.2f} s, all of the process {time.process_time():.2f} s")
        return lines


def main() -> None:
    profile = Profile()
    profile.install()
    try:
        command_line.main(prog_name="odradek", standalone_mode=False)
    finally:
        print(profile.table(), file=sys.stderr)


if __name__ == "__main__":
    main()
