"""Log lines: their two forms, and the bound on what a client can make us write."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from odradek.broker.logs import BURST, KINDS_LIMIT, WINDOW_MS, RateLimit, configure


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is written as text at level info; the logging of the test run is as before afterwards."""
    logger = logging.getLogger("odradek")
    before = (logger.handlers, logger.propagate, logger.level)
    stream = io.StringIO()
    configure("info", "text", stream)
    yield stream
    logger.handlers, logger.propagate = before[:2]
    logger.setLevel(before[2])


def record(message: str, at_ms: int, *args: object, name: str = "odradek.broker.connection") -> logging.LogRecord:
    made = logging.LogRecord(name, logging.WARNING, __file__, 1, message, args, None)
    made.created = at_ms / 1000
    return made


def test_a_text_line_has_time_level_module_and_message(written: io.StringIO) -> None:
    logging.getLogger("odradek.broker.connection").warning("closing %s", "a")
    time, rest = written.getvalue().split(" ", 1)
    assert time.endswith("Z")
    assert rest == "warning connection: closing a\n"


def test_what_a_peer_sent_cannot_begin_a_line_or_colour_it(written: io.StringIO) -> None:
    logging.getLogger("odradek.broker").warning("client id %s", "x\n\x1b[31mforged")
    assert written.getvalue().endswith("client id x\\x0a\\x1b[31mforged\n")


def test_the_level_is_a_lower_bound(written: io.StringIO) -> None:
    logging.getLogger("odradek.broker").debug("unseen")
    logging.getLogger("odradek.broker").info("seen")
    assert written.getvalue().count("\n") == 1


def test_a_json_line_is_one_object(written: io.StringIO) -> None:
    stream = io.StringIO()
    configure("debug", "json", stream)
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("odradek.storage").exception("cannot read %s", "a\nb")
    line = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1
    assert {name: line[name] for name in ("level", "logger", "message")} == {
        "level": "error",
        "logger": "odradek.storage",
        "message": "cannot read a\nb",
    }
    assert "ValueError: broken" in line["exception"]


def test_a_kind_of_line_is_written_a_bounded_number_of_times(written: io.StringIO) -> None:
    for number in range(1000):
        logging.getLogger("odradek.broker.connection").warning("closing %s", number)
    logging.getLogger("odradek.broker.connection").warning("something else")
    logging.getLogger("odradek.storage").warning("closing %s", 0)
    lines = written.getvalue().splitlines()
    assert sum("connection: closing" in line for line in lines) == BURST
    assert sum("something else" in line or "storage: closing" in line for line in lines) == 2


def test_after_a_while_it_is_written_again_with_the_number_of_those_left_out() -> None:
    limit = RateLimit()
    passed = [limit.filter(record("closing %s", 5_000, number)) for number in range(100)]
    assert passed == [True] * BURST + [False] * (100 - BURST)
    assert not limit.filter(record("closing %s", 5_000 + WINDOW_MS - 1, 100))
    again = record("closing %s", 5_000 + WINDOW_MS, 101)
    assert limit.filter(again)
    assert again.getMessage() == f"closing 101 ({101 - BURST} more like this were not shown)"
    assert limit.filter(record("closing %s", 5_000 + WINDOW_MS, 102))


def test_a_clock_that_is_set_back_does_not_silence_the_log() -> None:
    limit = RateLimit()
    for _ in range(BURST + 1):
        limit.filter(record("closing", 5_000_000))
    assert limit.filter(record("closing", 1_000_000))


def test_memory_is_bounded_when_messages_are_not_constant() -> None:
    limit = RateLimit()
    for number in range(2 * KINDS_LIMIT):
        limit.filter(record(f"message {number}", 5_000))
    assert len(limit._kinds) == KINDS_LIMIT
