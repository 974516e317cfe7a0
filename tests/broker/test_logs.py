"""Log lines: their two forms, and the bound on what a client can make us write."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from odradek.broker.logs import BURST, KINDS_LIMIT, WINDOW_MS, RateLimited, configure


class TurnedClock:
    """A clock that stands where the test puts it."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def now_ms(self) -> int:
        return self.ms

    async def sleep_until(self, at_ms: float) -> None:
        raise AssertionError("a logger does not wait")


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


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def limited(clock: TurnedClock) -> RateLimited:
    return RateLimited(logging.getLogger("odradek.broker.connection"), clock)


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


def test_a_kind_of_line_is_written_a_bounded_number_of_times(
    written: io.StringIO, clock: TurnedClock, limited: RateLimited
) -> None:
    for number in range(1000):
        limited.warning("closing %s", number)
    limited.error("something else")
    assert written.getvalue().count("closing") == BURST
    assert written.getvalue().count("something else") == 1
    clock.ms += WINDOW_MS - 1
    limited.warning("closing %s", 1000)
    assert written.getvalue().count("closing") == BURST
    clock.ms += 1
    limited.warning("closing %s", 1001)
    assert written.getvalue().endswith(f"closing 1001 ({1001 - BURST} more like this were not shown)\n")


def test_a_clock_that_is_set_back_does_not_silence_the_log(
    written: io.StringIO, clock: TurnedClock, limited: RateLimited
) -> None:
    for _ in range(BURST + 1):
        limited.warning("closing")
    clock.ms -= 3_600_000
    limited.warning("closing")
    assert written.getvalue().count("closing") == BURST + 1


def test_memory_is_bounded_when_messages_are_not_constant(written: io.StringIO, limited: RateLimited) -> None:
    for number in range(2 * KINDS_LIMIT):
        limited.warning(f"message {number}")
    assert len(limited._kinds) == KINDS_LIMIT


def test_an_exception_has_its_traceback_and_the_place_that_logged_it(
    limited: RateLimited, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        limited.exception("failed")
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.pathname == __file__
