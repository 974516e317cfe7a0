"""The pytest plugin: a fresh broker for a test that asks for one.

    def test_orders(odradek): ...                                   a broker of its own for every test
    @pytest.mark.odradek(topics={"orders": 3}, config={...})        how it is to be
    def test_copy(odradek_factory): ...                             several brokers: odradek_factory(topics=...)
    def test_fast(odradek_session): ...                             one broker for the whole run, reset for every test

Whoever does not use a fixture pays for reading this file and nothing else: the broker is imported by the first test
that has one. Every broker takes a port of its own, so tests run in parallel under pytest-xdist.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from odradek.testing.broker import Broker

OPTIONS = ("topics", "config", "version", "data_dir", "advertise", "start_time", "seed")
"""What the marker and the factory take: options of odradek.testing.Broker."""

MARKER = f"odradek({', '.join(f'{name}=...' for name in OPTIONS)}): how the odradek fixture's broker is to be"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("odradek")
    group.addoption(
        "--odradek-on-disk",
        action="store_true",
        help="Keep the data of brokers under pytest's temporary directory instead of in memory, to look at afterwards.",
    )
    group.addoption("--odradek-version", metavar="RELEASE", help="Have brokers look like an earlier Kafka: 2.8.")
    parser.addini("odradek_config", "Configuration of every odradek broker: lines NAME=VALUE.", type="linelist")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


def _options(request: pytest.FixtureRequest, given: dict[str, Any]) -> dict[str, Any]:
    """Options of one broker: those given here over those of the ini file and the command line."""
    if unknown := given.keys() - set(OPTIONS):
        known = ", ".join(sorted(OPTIONS))
        raise pytest.UsageError(f"odradek has no option {', '.join(sorted(unknown))}; it has {known}")
    lines: list[str] = request.config.getini("odradek_config")
    if wrong := [line for line in lines if "=" not in line]:
        raise pytest.UsageError(f"odradek_config: {wrong[0]!r} is not NAME=VALUE")
    pairs = (line.partition("=") for line in lines)
    config = {name.strip(): value.strip() for name, _, value in pairs}
    options = {**given, "config": {**config, **given.get("config", {})}}
    options.setdefault("version", request.config.getoption("--odradek-version"))
    if request.config.getoption("--odradek-on-disk") and options.get("data_dir") is None:
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        options["data_dir"] = factory.mktemp("odradek")
    return options


def _marked(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The options in the test's markers; the nearest one wins."""
    options: dict[str, Any] = {}
    for marker in request.node.iter_markers("odradek"):
        if marker.args:
            raise pytest.UsageError("pytest.mark.odradek takes keywords alone, such as topics={'orders': 3}")
        options = {**marker.kwargs, **options}
    return options


def _start(request: pytest.FixtureRequest, options: dict[str, Any]) -> Broker:
    from odradek.testing.broker import Broker

    return Broker(**_options(request, options)).start()


@pytest.fixture
def odradek(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A fresh Kafka broker; see odradek.testing.Broker."""
    broker = _start(request, _marked(request))
    try:
        yield broker
    finally:
        broker.close()


@pytest.fixture
def odradek_factory(request: pytest.FixtureRequest) -> Iterator[Callable[..., Broker]]:
    """Makes brokers that live until the end of the test; takes the options of odradek.testing.Broker."""
    with ExitStack() as brokers:

        def make(**options: Any) -> Broker:
            broker = _start(request, options)
            brokers.callback(broker.close)
            request.node.stash.setdefault(MADE, []).append(broker)
            return broker

        yield make


@pytest.fixture(scope="session")
def _odradek_for_all(request: pytest.FixtureRequest) -> Iterator[Broker]:
    broker = _start(request, {})
    try:
        yield broker
    finally:
        broker.close()


@pytest.fixture
def odradek_session(_odradek_for_all: Broker) -> Broker:
    """One broker for the whole run, as good as new for every test that uses it."""
    _odradek_for_all.reset()
    return _odradek_for_all


MADE: pytest.StashKey[list[Broker]] = pytest.StashKey()
"""Brokers that a test has made with the factory."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the state of a failed test's brokers, as it was when the test failed."""
    report = yield
    module = sys.modules.get("odradek.testing.broker")
    if report.failed and module is not None:
        values = [*getattr(item, "funcargs", {}).values(), *item.stash.get(MADE, [])]
        brokers = [value for value in values if isinstance(value, module.Broker)]
        for broker in dict.fromkeys(brokers):
            try:
                text = broker.report()
            except Exception as error:
                text = f"the broker cannot tell: {error!r}"
            report.sections.append(("odradek broker", text))
    return report
