"""Log lines: as text for people or JSON for machines, and a bounded number of each kind.

Modules log through `logging.getLogger(__name__)` with a constant message and arguments; the constant says which lines
are of one kind. A client that sends garbage in a loop, or a disk that fails at every write, gets BURST lines of a kind
in a WINDOW_MS, then silence; the first line after that counts what was left out.
"""

import json
import logging
import sys
import time
from typing import TextIO

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")

BURST = 10
"""Lines of one kind that are written in a window: enough to see that it goes on, too few to fill a disk."""

WINDOW_MS = 10_000
"""After this long the next line of a kind is written again."""

KINDS_LIMIT = 1_000
"""Kinds of line that are remembered; our code has far fewer. It holds if a message is not constant by mistake."""

_CONTROL_CHARACTERS = {code: f"\\x{code:02x}" for code in (*range(32), 127)}
"""What a peer sent may be quoted in a message; it must not begin a line of its own or colour the terminal."""


def configure(level: str, line_format: str, stream: TextIO | None = None) -> None:
    """Send the product's log lines of `level` and above to `stream`, by default stderr."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if line_format == "json" else TextFormatter())
    handler.addFilter(RateLimit())
    logger = logging.getLogger("odradek")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(level.upper())


class RateLimit(logging.Filter):
    """Lets BURST records of a kind through in each window; the first of a later window counts those left out."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[tuple[str, str], list[int]] = {}  # start of the window, records in it, records left out

    def filter(self, record: logging.LogRecord) -> bool:
        left_out = self._admit((record.name, str(record.msg)), int(record.created * 1000))
        if left_out:
            record.msg = f"{record.msg} ({left_out} more like this were not shown)"
        return left_out is not None

    def _admit(self, kind: tuple[str, str], now_ms: int) -> int | None:
        """How many records of the kind were left out before this one; None when this one is left out too."""
        window = self._kinds.get(kind)
        if window is not None and 0 <= now_ms - window[0] < WINDOW_MS:
            if window[1] < BURST:
                window[1] += 1
                return 0
            window[2] += 1
            return None
        self._kinds.pop(kind, None)  # so that the first of the dict is the one whose window is oldest
        if len(self._kinds) >= KINDS_LIMIT:
            del self._kinds[next(iter(self._kinds))]
        self._kinds[kind] = [now_ms, 1, 0]
        return window[2] if window else 0


class TextFormatter(logging.Formatter):
    """2026-11-24T10:15:00.123Z warning connection: the message"""

    def format(self, record: logging.LogRecord) -> str:
        where = record.name.rpartition(".")[2]
        message = record.getMessage().translate(_CONTROL_CHARACTERS)
        line = f"{timestamp(record.created)} {record.levelname.lower()} {where}: {message}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and exception when there is one."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": timestamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


def timestamp(seconds: float) -> str:
    """ISO 8601 in UTC with milliseconds."""
    whole, milliseconds = divmod(int(seconds * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{milliseconds:03d}Z"
