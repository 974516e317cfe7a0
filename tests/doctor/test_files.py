"""`odradek doctor` on configurations and data directories, before a broker starts and while one runs."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from odradek.testing import Broker
from tests.commands.conftest import Printed, odradek

NODE = Path(__file__).parents[1] / "data" / "node"
"""The directory of a node of Apache Kafka."""


def doctor(*options: str | Path) -> Printed:
    return odradek("doctor", *map(str, options))


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def free(*more: str) -> list[str]:
    """A listener that is in nobody's way, and more configurations."""
    return [word for pair in ("listeners=PLAINTEXT://127.0.0.1:0", *more) for word in ("-c", pair)]


def test_a_directory_that_is_not_there_yet(data_dir: Path) -> None:
    printed = doctor("--data-dir", data_dir, *free())
    assert printed.code == 0, printed.out
    assert f"{data_dir} is not there yet, and will be made" in printed.out
    assert not data_dir.exists()


def test_everything_that_is_wrong_in_a_file_is_told_at_once(tmp_path: Path, data_dir: Path) -> None:
    file = tmp_path / "server.properties"
    file.write_text(
        f"log.dirs={data_dir}\nnum.partitions=-4\nlog.retention.hours=x\nmy.plugin=1\nlisteners=SSL://127.0.0.1:0\n"
    )
    printed = doctor("--config", file, "-c", "log.retention.sm=1")
    assert printed.code == 1
    for complaint in ("num.partitions", "log.retention.hours", "SSL wants SSL", "did you mean log.retention.ms"):
        assert complaint in printed.out
    assert "4 problems." in printed.out
    file.write_text(f"log.dirs={data_dir}\nmy.plugin=1\nlisteners=PLAINTEXT://127.0.0.1:0\nnum.network.threads=9\n")
    printed = doctor("--config", file)
    assert printed.code == 0
    assert "does not know and passes over: my.plugin" in printed.out
    assert "without effect in Odradek: num.network.threads" in printed.out


def test_a_file_that_is_not_there() -> None:
    printed = doctor("--config", "/nowhere/server.properties")
    assert printed.code == 1
    assert "No such file" in printed.out


def test_a_port_that_is_taken(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listener = f"listeners=PLAINTEXT://127.0.0.1:{taken.getsockname()[1]}"
        printed = doctor("--data-dir", data_dir, "-c", listener)
    assert printed.code == 1
    assert "is taken by another program" in printed.out


def test_an_address_of_another_machine(data_dir: Path) -> None:
    printed = doctor("--data-dir", data_dir, "-c", "listeners=PLAINTEXT://192.0.2.1:9092")
    assert "192.0.2.1 is no address of this machine" in printed.out


def test_a_directory_on_which_a_broker_runs(data_dir: Path) -> None:
    with Broker(data_dir=data_dir, topics=["t"]) as broker:
        options = ["--data-dir", data_dir, "-c", f"listeners=PLAINTEXT://{broker.bootstrap}"]
        printed = doctor(*options, "--bootstrap", broker.bootstrap)
        assert printed.code == 0, printed.out
        assert "is in use: a broker is running on it" in printed.out
        assert "is taken, as is to be expected" in printed.out
        assert f"belongs to node 1 of cluster {broker.cluster_id}" in printed.out
        broker.produce("t", "still well")
        broker.crash()
        assert "was not stopped cleanly" in doctor("--data-dir", data_dir, *free()).out
        broker.restart()
    assert doctor("--data-dir", data_dir, *free()).code == 0


def test_the_directory_of_apache_kafka(data_dir: Path) -> None:
    shutil.copytree(NODE, data_dir)
    before = sorted((path, path.stat().st_mtime_ns) for path in data_dir.rglob("*"))
    printed = doctor("--data-dir", data_dir, *free("node.id=7"))
    assert printed.code == 1
    assert "-> set node.id=1\n" in printed.out
    assert doctor("--data-dir", data_dir, *free()).code == 0
    assert sorted((path, path.stat().st_mtime_ns) for path in data_dir.rglob("*")) == before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("version=0\nbroker.id=1\n", "is not what a KRaft broker writes"),
        (None, "holds t-0 and no meta.properties"),
    ],
)
def test_a_directory_without_identity(data_dir: Path, content: str | None, says: str) -> None:
    (data_dir / "t-0").mkdir(parents=True)
    if content is not None:
        (data_dir / "meta.properties").write_text(content)
    printed = doctor("--data-dir", data_dir, *free())
    assert printed.code == 1
    assert says in printed.out


def test_the_data_of_another_broker_than_the_one_that_is_asked(broker: Broker, data_dir: Path) -> None:
    odradek("format", "--data-dir", str(data_dir))
    printed = doctor("--data-dir", data_dir, *free(), "--bootstrap", broker.bootstrap)
    assert printed.code == 1
    assert f"runs cluster {broker.cluster_id}, and this is the data of " in printed.out


def test_directories_of_two_clusters(tmp_path: Path) -> None:
    for name in ("a", "b"):
        odradek("format", "--data-dir", str(tmp_path / name))
    printed = doctor(*free(f"log.dirs={tmp_path / 'a'},{tmp_path / 'b'}"))
    assert printed.code == 1
    assert "the directories belong to several clusters" in printed.out


def test_a_file_in_place_of_the_directory(data_dir: Path) -> None:
    data_dir.write_text("")
    assert "is not a directory" in doctor("--data-dir", data_dir, *free()).out
    assert "cannot be made" in doctor("--data-dir", data_dir / "below", *free()).out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_of_somebody_else(tmp_path: Path, data_dir: Path) -> None:
    data_dir.mkdir(mode=0o500)
    printed = doctor("--data-dir", data_dir, *free())
    assert printed.code == 1
    assert "may not write there" in printed.out
