"""From options as they are typed to settings: precedence, files, and what is said about mistakes."""

from pathlib import Path

import pytest

from odradek.broker.config import ConfigError, Endpoint
from odradek.broker.options import ServeOptions, gather
from odradek.broker.settings import ServeSettings


def settings(**options: object) -> ServeSettings:
    gathered, _ = gather(ServeOptions(**options))  # type: ignore[arg-type]
    return gathered


def complaint(**options: object) -> str:
    with pytest.raises(ConfigError) as caught:
        settings(**options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "server.properties"
    path.write_text(text)
    return str(path)


def test_without_options_there_is_a_broker_for_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    plain = settings()
    assert plain.listeners == (Endpoint("PLAINTEXT", "127.0.0.1", 9092),)
    assert plain.advertised == ()
    assert plain.data_dir == str(tmp_path / "odradek-data")
    assert plain.topics == ()


def test_options_win_over_c_and_c_over_the_file(tmp_path: Path) -> None:
    text = "listeners=PLAINTEXT://:1\nlog.dirs=/from/file\nnum.partitions=2\nnode.id=2\nadvertised.listeners=PLAINTEXT://a:1\n"
    from_file = file(tmp_path, text)
    only_file = settings(config_file=from_file)
    assert only_file.listeners == (Endpoint("PLAINTEXT", "", 1),)
    assert only_file.advertised == (Endpoint("PLAINTEXT", "a", 1),)
    assert (only_file.data_dir, only_file.config["num.partitions"], only_file.config.node_id) == ("/from/file", 2, 2)
    with_c = settings(
        config_file=from_file, configs=["num.partitions=3", "log.dirs=/from/c", "listeners=PLAINTEXT://:2"]
    )
    assert (with_c.data_dir, with_c.config["num.partitions"], with_c.config.node_id) == ("/from/c", 3, 2)
    all_of_them = settings(
        config_file=from_file,
        configs=["log.dirs=/from/c", "listeners=PLAINTEXT://:2"],
        data_dir="/from/option",
        listen=["127.0.0.1:3"],
        advertise=["b:3"],
    )
    assert all_of_them.data_dir == "/from/option"
    assert all_of_them.listeners == (Endpoint("PLAINTEXT", "127.0.0.1", 3),)
    assert all_of_them.advertised == (Endpoint("PLAINTEXT", "b", 3),)


def test_what_clients_are_shown_is_what_was_asked_for() -> None:
    config = settings(listen=["127.0.0.1:0"], data_dir="/data").config
    assert config["listeners"] == ("PLAINTEXT://127.0.0.1:0",)
    assert config["log.dirs"] == ("/data",)


def test_there_may_be_several_directories() -> None:
    several = settings(configs=["log.dirs=/a, /b"])
    assert several.data_dir == "/a,/b"
    assert several.config.log_dirs == ("/a", "/b")


def test_several_addresses_are_several_listeners() -> None:
    two = settings(listen=["127.0.0.1:1", "[::1]:2"], advertise=["a:1", "b:2"])
    assert two.listeners == (Endpoint("PLAINTEXT", "127.0.0.1", 1), Endpoint("PLAINTEXT_2", "::1", 2))
    assert two.advertised == (Endpoint("PLAINTEXT", "a", 1), Endpoint("PLAINTEXT_2", "b", 2))
    one_for_all = settings(listen=["127.0.0.1:1", ":2"], advertise=["a:1"])
    assert {(endpoint.host, endpoint.port) for endpoint in one_for_all.advertised} == {("a", 1)}
    assert "one for each of the 2" in complaint(listen=["127.0.0.1:1", ":2"], advertise=["a:1", "b:1", "c:1"])


def test_topics_have_a_name_and_perhaps_partitions() -> None:
    assert settings(topics=["a", "b:3"]).topics == (("a", None), ("b", 3))
    for text in ("a/b", "", "..", "a:0", "a:x", "a:", "a:-1", "x" * 250, ":3"):
        assert "--topic" in complaint(topics=[text])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"configs": ["num.partition=3"]}, ["-c num.partition=3", "did you mean num.partitions?"]),
        ({"configs": ["num.partitions"]}, ["-c num.partitions", "name=value"]),
        ({"configs": ["num.partitions=0"]}, ["num.partitions", "at least 1"]),
        ({"listen": ["9092"]}, ["--listen", "'9092'", "HOST:PORT"]),
        ({"listen": ["a:b"]}, ["--listen", "'a:b'", "HOST:PORT"]),
        ({"advertise": [":9092"]}, ["--advertise", "host"]),
        ({"advertise": ["host"]}, ["--advertise", "HOST:PORT"]),
        ({"advertise": ["0.0.0.0:9092"]}, ["0.0.0.0", "address"]),
        ({"config_file": "/nowhere/server.properties"}, ["--config /nowhere/server.properties", "No such file"]),
        ({"configs": ["listeners=SASL_SSL://:9092"]}, ["SASL_SSL", "not supported"]),
    ],
)
def test_a_mistake_is_named(options: dict[str, object], words: list[str]) -> None:
    said = complaint(**options)
    for word in words:
        assert word in said


def test_a_value_in_a_file_may_be_wrong_too(tmp_path: Path) -> None:
    assert "num.partitions" in complaint(config_file=file(tmp_path, "num.partitions=many\n"))
    assert "hexadecimal" in complaint(config_file=file(tmp_path, "a=\\u12\n"))


def test_the_file_that_comes_with_kafka_just_works(tmp_path: Path) -> None:
    text = """
        process.roles=broker,controller
        node.id=1
        controller.quorum.bootstrap.servers=localhost:9093
        listeners=PLAINTEXT://:9092,CONTROLLER://:9093
        inter.broker.listener.name=PLAINTEXT
        advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
        controller.listener.names=CONTROLLER
        listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL
        num.network.threads=3
        num.io.threads=8
        log.dirs=/tmp/kraft-combined-logs
        num.partitions=1
        log.retention.hours=168
        confluent.metrics.reporter.bootstrap.servers=localhost:9092
        confluent.support.customer.id=anonymous
    """
    gathered, notes = gather(ServeOptions(config_file=file(tmp_path, text)))
    assert gathered.listeners == (Endpoint("PLAINTEXT", "", 9092),)
    assert [endpoint.address for endpoint in gathered.advertised] == ["localhost:9092"]
    unknown, without_effect = notes
    assert unknown.endswith("confluent.metrics.reporter.bootstrap.servers, confluent.support.customer.id")
    assert "num.io.threads" in without_effect
    assert "num.partitions" not in without_effect


def test_nothing_is_said_about_names_that_work() -> None:
    _, notes = gather(ServeOptions(configs=["num.partitions=3"]))
    assert notes == []
