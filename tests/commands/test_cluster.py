"""`odradek cluster`: brokers, versions, features, quorum."""

from __future__ import annotations

from odradek.broker.dispatch import table
from odradek.testing import Broker
from tests.commands.conftest import Cli, odradek


def test_brokers(cli: Cli, broker: Broker) -> None:
    host, port = broker.address
    for arguments in (["cluster"], ["cluster", "brokers"]):
        printed = cli(*arguments)
        assert printed.out.splitlines()[0] == f"cluster {broker.cluster_id}"
        assert printed.lines[2] == ["1", host, str(port), "-", "yes"]
    (cluster,) = cli("cluster", "--json").json
    assert cluster["cluster_id"] == broker.cluster_id
    assert cluster["brokers"] == [{"broker": 1, "host": host, "port": port, "rack": None, "controller": True}]


def test_versions(cli: Cli) -> None:
    rows = {row["key"]: row for row in cli("cluster", "versions", "--json").json}
    assert rows.keys() == table().keys()
    assert rows[1] == {"key": 1, "api": "Fetch", "first": 4, "last": 18}


def test_features(cli: Cli) -> None:
    rows = {row["feature"]: row["level"] for row in cli("cluster", "features", "--json").json}
    assert rows["metadata.version"] == 30
    assert rows["kraft.version"] is None, "supported, and not in force"


def test_quorum(cli: Cli) -> None:
    printed = cli("cluster", "quorum")
    assert printed.out.startswith("leader 1, epoch ")
    assert printed.lines[2][:2] == ["1", "leader"]
    (quorum,) = cli("cluster", "quorum", "--json").json
    assert [replica["role"] for replica in quorum["replicas"]] == ["leader"]


def test_a_broker_before_features_has_none() -> None:
    with Broker(version="2.3") as old:
        printed = odradek("cluster", "features", "-b", old.bootstrap)
        assert (printed.code, printed.out) == (0, "")
        assert "no features" in printed.err
        refused = odradek("cluster", "quorum", "-b", old.bootstrap)
        assert refused.code == 1
        assert "does not speak DescribeQuorum: this command needs a newer Kafka" in refused.err
