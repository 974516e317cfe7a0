"""`odradek configs`: what is set, by whom, and changing it."""

from __future__ import annotations

import pytest

from odradek.testing import Broker
from tests.commands.conftest import Cli


def test_what_is_set_is_shown(cli: Cli, broker: Broker) -> None:
    assert "--all shows" in cli("configs", "describe", "topic", "orders").err
    broker.configure({"retention.ms": 1000}, topic="orders")
    assert cli("configs", "describe", "topic", "orders").lines == [
        ["CONFIG", "VALUE", "SOURCE"],
        ["retention.ms", "1000", "topic"],
    ]


def test_all_that_applies_is_shown_on_demand(cli: Cli) -> None:
    rows = {row["config"]: row for row in cli("configs", "describe", "topic", "orders", "--all", "--json").json}
    assert rows["cleanup.policy"] == {"config": "cleanup.policy", "value": "delete", "source": "default"}


def test_configs_are_set_and_taken_back(cli: Cli, broker: Broker) -> None:
    printed = cli("configs", "set", "topic", "orders", "retention.ms=5", "cleanup.policy=compact")
    assert printed.out == ("topic orders: retention.ms set to 5.\ntopic orders: cleanup.policy set to compact.\n")
    assert broker.topics()["orders"].config == {"retention.ms": "5", "cleanup.policy": "compact"}
    assert cli("configs", "delete", "topic", "orders", "retention.ms").code == 0
    assert broker.topics()["orders"].config == {"cleanup.policy": "compact"}


def test_a_dry_run_sets_nothing(cli: Cli, broker: Broker) -> None:
    assert "could be set to 5" in cli("configs", "set", "topic", "orders", "retention.ms=5", "--dry-run").out
    assert broker.topics()["orders"].config == {}


@pytest.mark.parametrize("name", ["1", "all"])
def test_brokers_are_configured_one_by_one_and_together(cli: Cli, name: str) -> None:
    assert cli("configs", "set", "broker", name, "log.retention.ms=77000").code == 0
    rows = cli("configs", "describe", "broker", name, "--json").json
    source = "broker" if name == "1" else "all brokers"
    assert {"config": "log.retention.ms", "value": "77000", "source": source} in rows


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["set", "topic", "orders", "no.such=1"], 1, "INVALID_CONFIG"),
        (["set", "topic", "orders", "retention.ms"], 1, "write it as NAME=VALUE"),
        (["set", "topic", "nope", "retention.ms=1"], 1, "UNKNOWN_TOPIC_OR_PARTITION"),
        (["describe", "topic", "nope"], 1, "UNKNOWN_TOPIC_OR_PARTITION"),
        (["describe", "broker", "one"], 1, "one is no broker id"),
        (["describe", "cluster", "one"], 2, "'cluster' is not one of"),
    ],
)
def test_what_cannot_be(cli: Cli, arguments: list[str], code: int, said: str) -> None:
    printed = cli("configs", *arguments)
    assert printed.code == code
    assert said in printed.err


def test_a_broker_that_is_not_there_is_not_waited_for(cli: Cli) -> None:
    printed = cli("configs", "describe", "broker", "7")
    assert printed.code == 1
    assert "broker 7" in printed.err
