"""The pytest plugin, in test runs of their own."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(tmp_path, monkeypatch)


class Run:
    """Runs a test file with the plugin, whether it is installed or not."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._directory = directory
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def __call__(self, source: str, *options: str, ini: str = "") -> tuple[int, str]:
        (self._directory / "test_it.py").write_text(source)
        (self._directory / "pytest.ini").write_text(f"[pytest]\n{ini}")
        command = [sys.executable, "-m", "pytest", "-p", "odradek.testing.plugin", "-p", "no:cacheprovider", *options]
        done = subprocess.run(command, cwd=self._directory, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr


def test_every_test_gets_a_fresh_broker_as_its_marker_says(run: Run) -> None:
    code, output = run(
        """
import pytest

seen = []

@pytest.mark.odradek(topics={"orders": 3}, config={"num.partitions": 4})
class TestOrders:
    def test_topics(self, odradek):
        assert len(odradek.topics()["orders"].partitions) == 3
        odradek.produce("made", "v")
        assert len(odradek.topics()["made"].partitions) == 4
        seen.append(odradek)

    @pytest.mark.odradek(topics=["t"])
    def test_the_nearest_marker_wins(self, odradek):
        assert list(odradek.topics()) == ["t"]
        assert odradek is not seen[0]

def test_plain(odradek):
    assert odradek.topics() == {}

def test_factory(odradek_factory):
    one, other = odradek_factory(topics=["a"]), odradek_factory()
    assert one.bootstrap != other.bootstrap
    seen[:] = [one, other]

def test_the_factorys_brokers_are_closed():
    for broker in seen:
        with pytest.raises(RuntimeError, match="not started"):
            broker.topics()

def test_session(odradek_session):
    odradek_session.produce("t", "v")
    seen[:] = [odradek_session.bootstrap]

def test_session_again(odradek_session):
    assert odradek_session.topics() == {}
    assert odradek_session.bootstrap == seen[0]
"""
    )
    assert code == 0, output
    assert "7 passed" in output


def test_a_failure_shows_the_state_of_the_brokers(run: Run) -> None:
    code, output = run(
        """
def test_it(odradek, odradek_factory):
    odradek.produce("orders", "a paid order")
    odradek_factory().produce("invoices", "an invoice")
    assert False

def test_passes(odradek):
    odradek.produce("orders", "not shown")
"""
    )
    assert code == 1
    assert output.count("odradek broker") == 2
    assert "a paid order" in output
    assert "an invoice" in output
    assert "not shown" not in output


def test_options_come_from_the_ini_file_and_the_command_line(run: Run, tmp_path: Path) -> None:
    code, output = run(
        """
import pytest

@pytest.mark.odradek(config={"default.replication.factor": 1})
def test_it(odradek):
    odradek.produce("t", "v")
    assert len(odradek.topics()["t"].partitions) == 5

def test_version(odradek):
    import socket
    from odradek.wire.apis.api_versions import ApiVersionsRequest, ApiVersionsResponse
    from odradek.wire.frames import encode_request
    with socket.create_connection(odradek.address) as connection:
        connection.sendall(encode_request(ApiVersionsRequest(), 0, 1, "me"))
        answer = ApiVersionsResponse.decode(connection.recv(1 << 16)[8:], 0)
    assert {row.api_key: row.max_version for row in answer.api_keys}[3] == 11
""",
        "--odradek-version=2.8",
        "--odradek-on-disk",
        f"--basetemp={tmp_path / 'kept'}",
        ini="odradek_config =\n    num.partitions=5\n",
    )
    assert code == 0, output
    assert list((tmp_path / "kept").rglob("t-4/*.log"))


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ("topic={'a': 1}", "odradek has no option topic; it has advertise, config"),
        ("{'a': 1}", "takes keywords alone"),
        ("config={'log.retention.sm': 5}", "log.retention.sm"),
    ],
)
def test_a_marker_that_is_wrong_says_how(run: Run, mark: str, message: str) -> None:
    code, output = run(f"import pytest\n@pytest.mark.odradek({mark})\ndef test_it(odradek): ...\n")
    assert code != 0
    assert message in output


@pytest.mark.skipif(find_spec("xdist") is None, reason="pytest-xdist is not installed")
def test_it_runs_in_parallel(run: Run) -> None:
    code, output = run(
        """
import pytest

@pytest.mark.parametrize("number", range(8))
def test_it(odradek, number):
    odradek.produce("t", str(number))
    assert [record.value for record in odradek.records("t")] == [str(number).encode()]
""",
        "-p",
        "xdist",
        "-n",
        "2",
    )
    assert code == 0, output


def test_whoever_does_not_use_it_does_not_pay_for_it(run: Run) -> None:
    code, output = run(
        """
import sys

def test_nothing_of_ours_is_imported():
    ours = {name for name in sys.modules if name.startswith("odradek")}
    assert ours <= {"odradek", "odradek.testing", "odradek.testing.plugin"}, ours
    assert "trio" not in sys.modules
"""
    )
    assert code == 0, output


def test_the_entry_point_leads_to_the_plugin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (name,) = project["entry-points"]["pytest11"].values()
    assert hasattr(import_module(name), "odradek_factory")
