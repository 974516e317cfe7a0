"""The command line as its users meet it: a process, its output, its exit code."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from odradek.wire.apis.metadata import MetadataRequest, MetadataResponse
from odradek.wire.frames import encode_request, read_response_header

START_TIMEOUT_S = 20
STOP_TIMEOUT_S = 10
ODRADEK = [sys.executable, "-m", "odradek.broker"]


class Serving:
    """`odradek serve` in the background."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def first_line(self) -> str:
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], START_TIMEOUT_S)
        assert readable, "no line on stdout"
        return self.process.stdout.readline()

    def ready(self) -> dict[str, object]:
        line = self.first_line()
        assert line, f"it ended with {self.process.wait(STOP_TIMEOUT_S)}: {text_of(self.process.stderr)}"
        fields: dict[str, object] = json.loads(line)
        return fields

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Exit code and stderr after a signal."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=STOP_TIMEOUT_S)
        return self.process.returncode, errors


def text_of(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.read()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator["Starter"]:
    starter = Starter(tmp_path)
    yield starter
    for serving in starter.started:
        serving.process.kill()
        serving.process.communicate()


class Starter:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.started: list[Serving] = []

    def __call__(self, *arguments: str, command: list[str] = ODRADEK) -> Serving:
        process = subprocess.Popen(
            [*command, "serve", *arguments],
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(self.directory)},
        )
        self.started.append(Serving(process))
        return self.started[-1]

    def refused(self, *arguments: str) -> str:
        """What a start that fails says: one line on stderr, nothing on stdout, exit code 1."""
        out, errors = (serving := self(*arguments)).process.communicate(timeout=START_TIMEOUT_S)
        assert serving.process.returncode == 1
        assert out == ""
        assert errors.startswith("odradek: ")
        assert errors.count("\n") == 1
        return errors


ANY_PORT = ("--listen", "127.0.0.1:0")


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*ODRADEK, *arguments], capture_output=True, text=True, timeout=START_TIMEOUT_S, check=False)


def test_help_teaches_with_examples() -> None:
    for arguments in (["--help"], ["serve", "--help"]):
        done = run(*arguments)
        assert done.returncode == 0
        assert "odradek serve --ephemeral" in done.stdout
    assert "group.initial.rebalance.delay.ms=0" in done.stdout


@pytest.mark.parametrize("command", [[], ["serve"]])
def test_the_version_is_printed(command: list[str]) -> None:
    done = run(*command, "--version")
    assert done.returncode == 0
    assert re.fullmatch(r"odradek (\d+\.\d+\.\d+|\(not installed, run from its source\))\n", done.stdout)


def test_an_option_that_does_not_exist_is_explained() -> None:
    done = run("serve", "--ephemral")
    assert done.returncode == 2
    assert "--ephemeral" in done.stderr


def test_configuration_names_are_explained() -> None:
    assert "log.retention.ms=" in run("config", "retention").stdout
    assert run("config", "xyzzy").returncode == 1


def test_scripts_are_told_what_they_need_to_know(serve: "Starter") -> None:
    serving = serve(*ANY_PORT, "--ready-json", "--data-dir", "data")
    ready = serving.ready()
    assert list(ready) == ["bootstrap", "pid", "cluster_id", "data_dir"]
    host, port = str(ready["bootstrap"]).split(":")
    socket.create_connection((host, int(port)), timeout=5).close()
    assert ready["pid"] == serving.process.pid
    assert len(str(ready["cluster_id"])) == 22
    assert ready["data_dir"] == str(serve.directory / "data")


def test_people_are_told_where_it_is_and_how_to_stop_it(serve: "Starter") -> None:
    line = serve(*ANY_PORT, "--data-dir", "data").first_line()
    assert re.search(r"127\.0\.0\.1:[1-9]\d*", line)
    assert str(serve.directory / "data") in line
    assert "Ctrl-C" in line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_cleanly(serve: "Starter", number: int) -> None:
    serving = serve(*ANY_PORT, "--ready-json", "--data-dir", "data", "--topic", "a")
    serving.ready()
    started = time.monotonic()
    code, errors = serving.stop(number)
    assert code == 0, errors
    assert time.monotonic() - started < 2
    assert "Traceback" not in errors
    assert (serve.directory / "data" / ".kafka_cleanshutdown").exists()
    assert not (serve.directory / "data" / ".lock").exists()


def test_a_stopped_broker_starts_again_as_the_same_cluster(serve: "Starter") -> None:
    arguments = (*ANY_PORT, "--ready-json", "--data-dir", "data", "--topic", "a:3")
    first = serve(*arguments)
    cluster_id = first.ready()["cluster_id"]
    first.stop()
    second = serve(*arguments)
    assert second.ready()["cluster_id"] == cluster_id
    assert {path.name for path in (serve.directory / "data").glob("a-*")} == {"a-0", "a-1", "a-2"}


def test_the_data_of_an_ephemeral_broker_goes_with_it(serve: "Starter") -> None:
    serving = serve(*ANY_PORT, "--ephemeral", "--ready-json")
    directory = Path(str(serving.ready()["data_dir"]))
    assert directory.is_dir()
    assert directory.parent == serve.directory
    code, _ = serving.stop()
    assert code == 0
    assert list(serve.directory.iterdir()) == []


def test_a_second_signal_stops_at_once(serve: "Starter") -> None:
    """A broker whose stop never ends: patched in, because ours ends."""
    script = """
        import trio
        from odradek.broker import server, settings
        from odradek.broker.__main__ import main

        async def serve(wanted, on_ready, stop, disk):
            on_ready(settings.Ready("127.0.0.1:1", "c", wanted.data_dir))
            await stop.wait()
            await trio.sleep_forever()

        server.serve = serve
        main(prog_name="odradek")
    """
    serving = serve("--ephemeral", "--ready-json", command=[sys.executable, "-c", textwrap.dedent(script)])
    directory = Path(str(serving.ready()["data_dir"]))
    serving.process.send_signal(signal.SIGINT)
    assert serving.process.stderr is not None
    assert "SIGINT" in serving.process.stderr.readline()
    assert serving.process.poll() is None
    code, _ = serving.stop(signal.SIGTERM)
    assert code == 128 + signal.SIGTERM
    assert not directory.exists()


def test_a_disk_that_fails_while_serving_is_one_line_and_no_clean_stop(serve: "Starter") -> None:
    script = """
        import errno, os
        from odradek.broker import log_directories
        from odradek.broker.__main__ import main

        async def close(self, *, clean):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/t-0/0.log")

        log_directories.LogDirectories.close = close
        main(prog_name="odradek")
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    serving = serve(*ANY_PORT, "--ready-json", "--data-dir", "data", "--log-level", "error", command=command)
    serving.ready()
    code, errors = serving.stop()
    assert code == 1
    cause = "No space left on device (/data/t-0/0.log)"
    assert errors == f"odradek: {cause}: the broker had to stop; see to the disk and start it again\n"


def test_a_metadata_log_that_cannot_be_written_ends_the_broker_with_one_line(serve: "Starter") -> None:
    script = """
        import errno, os
        from odradek.broker.__main__ import main
        from odradek.storage import disk

        def sync(self):
            if "__cluster_metadata" in self.path and os.path.exists("broken"):
                raise OSError(errno.EIO, os.strerror(errno.EIO), self.path)

        disk.LocalFile.sync = sync
        main(prog_name="odradek")
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    serving = serve(*ANY_PORT, "--ready-json", "--data-dir", "data", "--log-level", "error", command=command)
    ready = serving.ready()
    (serve.directory / "broken").touch()
    create = [sys.executable, "-m", "odradek.broker", "topics", "create", "t", "--bootstrap", str(ready["bootstrap"])]
    assert subprocess.run(create, capture_output=True, timeout=30).returncode == 1
    _, errors = serving.process.communicate(timeout=10)
    assert serving.process.returncode == 1
    directory = serve.directory / "data"
    log = directory / "__cluster_metadata-0" / f"{0:020}.log"
    assert errors == (
        f"odradek: log directory {directory} has failed (Input/output error: {log}) and it holds the cluster metadata, "
        "so the broker had to stop; see to its disk, then start the broker again\n"
    )


def test_a_busy_port_is_one_line(serve: "Starter") -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = serve.refused("--listen", f"127.0.0.1:{port}", "--data-dir", "data")
        assert f"127.0.0.1:{port}" in said
        assert "--listen" in said
    assert not (serve.directory / "data").exists(), "nothing is written before the port is known to be free"


def test_a_directory_that_cannot_be_written_is_one_line(serve: "Starter") -> None:
    (serve.directory / "file").touch()
    assert "--data-dir" in serve.refused(*ANY_PORT, "--data-dir", "file/data")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_directory_without_permission_is_one_line(serve: "Starter") -> None:
    (serve.directory / "data").mkdir(mode=0o555)
    said = serve.refused(*ANY_PORT, "--data-dir", "data")
    assert "ermission denied" in said
    assert "--data-dir" in said


def test_a_directory_in_use_is_one_line(serve: "Starter") -> None:
    serve(*ANY_PORT, "--ready-json", "--data-dir", "data").ready()
    said = serve.refused(*ANY_PORT, "--data-dir", "data")
    assert str(serve.directory / "data") in said


def test_a_directory_of_another_node_is_one_line(serve: "Starter") -> None:
    first = serve(*ANY_PORT, "--ready-json", "--data-dir", "data")
    first.ready()
    first.stop()
    said = serve.refused(*ANY_PORT, "--data-dir", "data", "-c", "node.id=7")
    assert str(serve.directory / "data") in said
    assert "7" in said


def test_directories_of_two_clusters_are_one_line(serve: "Starter") -> None:
    cluster_ids = []
    for name in ("a", "b"):
        serving = serve(*ANY_PORT, "--ready-json", "--data-dir", name)
        cluster_ids.append(str(serving.ready()["cluster_id"]))
        serving.stop()
    said = serve.refused(*ANY_PORT, "-c", "log.dirs=a,b")
    assert all(cluster_id in said for cluster_id in cluster_ids)


def test_a_bad_configuration_is_one_line(serve: "Starter") -> None:
    assert "did you mean num.partitions?" in serve.refused("-c", "num.partition=3")
    assert "--ephemeral and --data-dir" in serve.refused("--ephemeral", "--data-dir", "data")


def metadata(host: str, port: int) -> MetadataResponse:
    """The answer to a Metadata request sent to an address."""
    with socket.create_connection((host, port), timeout=5) as connection:
        connection.sendall(encode_request(MetadataRequest(), 12, 1, None))
        with connection.makefile("rb") as stream:
            answer = stream.read(int.from_bytes(stream.read(4), "big"))
    _, position = read_response_header(memoryview(answer), MetadataRequest, 12)
    return MetadataResponse.decode(memoryview(answer)[position:], 12)


def test_what_a_file_says_about_the_node_is_honoured(serve: "Starter") -> None:
    (serve.directory / "server.properties").write_text(
        "node.id=5\nlisteners=PLAINTEXT://127.0.0.1:0\nlog.dirs=from-file\n"
        "advertised.listeners=PLAINTEXT://kafka.example:1234\n"
    )
    ready = serve("--config", "server.properties", "--ready-json").ready()
    assert ready["data_dir"] == str(serve.directory / "from-file")
    assert "node.id=5" in (serve.directory / "from-file" / "meta.properties").read_text().splitlines()
    host, port = str(ready["bootstrap"]).split(":")
    (node,) = metadata(host, int(port)).brokers
    assert (node.node_id, node.host, node.port) == (5, "kafka.example", 1234)


def test_a_client_is_told_the_address_that_it_connected_to(serve: "Starter") -> None:
    ready = serve("--listen", "0.0.0.0:0", "--listen", "127.0.0.1:0", "--ephemeral", "--ready-json").ready()
    first, second = (int(address.rpartition(":")[2]) for address in str(ready["bootstrap"]).split(","))
    other = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"  # elsewhere the loopback has one address
    for host, port in (("127.0.0.1", first), (other, first), ("127.0.0.1", second)):
        (node,) = metadata(host, port).brokers
        assert (node.host, node.port) == (host, port)


def test_notes_about_a_file_are_log_lines_in_the_chosen_form(serve: "Starter") -> None:
    (serve.directory / "server.properties").write_text("num.io.threads=8\nof.a.plugin=1\n")
    serving = serve(
        *ANY_PORT, "--ready-json", "--data-dir", "data", "--config", "server.properties", "--log-format", "json"
    )
    serving.ready()
    _, errors = serving.stop()
    messages = [json.loads(line)["message"] for line in errors.splitlines()]
    assert any("of.a.plugin" in message for message in messages)
    assert any("num.io.threads" in message and "without effect" in message for message in messages)


def test_a_formatted_directory_is_served_as_the_cluster_that_was_chosen(serve: "Starter") -> None:
    cluster_id = "oracleoracleoracleorac"
    directory = str(serve.directory / "data")
    done = run("format", "--data-dir", directory, "-t", cluster_id)
    assert done.stdout == f"Formatted {directory} for cluster {cluster_id}.\n"
    assert {path.name for path in Path(directory).iterdir()} == {"meta.properties", "bootstrap.checkpoint"}
    assert serve(*ANY_PORT, "--ready-json", "--data-dir", directory).ready()["cluster_id"] == cluster_id


def test_a_directory_is_not_formatted_twice(tmp_path: Path) -> None:
    first, second = str(tmp_path / "a"), str(tmp_path / "b")
    cluster_id = run("format", "--data-dir", first).stdout.split()[-1].rstrip(".")
    before = (tmp_path / "a" / "meta.properties").read_bytes()
    for arguments, words in (
        (["--data-dir", first], "formatted already"),
        (["-g", "--data-dir", first, "-t", "oracleoracleoracleorac"], f"belongs to cluster {cluster_id}"),
        (["--data-dir", second, "-t", "short"], "22 characters"),
        (["--data-dir", str(tmp_path / "a" / "meta.properties" / "c")], "choose another directory"),
    ):
        done = run("format", *arguments)
        assert done.returncode == 1
        assert done.stderr.startswith("odradek: ")
        assert done.stderr.count("\n") == 1
        assert words in done.stderr
    assert not Path(second).exists()
    assert "formatted already" in run("format", "-g", "--data-dir", first).stdout
    both = run("format", "-g", "-c", f"log.dirs={first},{second}")
    assert both.stdout == f"Formatted {second} for cluster {cluster_id}.\n"
    assert (tmp_path / "a" / "meta.properties").read_bytes() == before
