"""The control over HTTP: every verb, and every way to ask wrongly."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interop.needs import program
from odradek.commands.client import Cluster
from odradek.testing import Broker
from odradek.testing.calls import Session
from odradek.testing.control import BODY_BYTES, Control
from odradek.testing.verbs import VERBS
from tests.testing.clients import confluent_producer

TOKEN = "a token"

PAGE = Path(__file__).parent.parent.parent / "docs" / "testing.md"


class Caller:
    """A program in some language, with an HTTP library."""

    def __init__(self, host: str, port: int, token: str | None) -> None:
        self.connection = http.client.HTTPConnection(host, port, timeout=30)
        self.headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.called: set[str] = set()

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
        self.connection.request(method, path, body, {**self.headers, **headers})
        response = self.connection.getresponse()
        content = response.read()
        assert response.headers["Content-Type"] == "application/json"
        assert b"Traceback" not in content
        return response.status, json.loads(content)

    def __call__(self, verb: str, **arguments: Any) -> Any:
        self.called.add(verb)
        status, result = self.ask("POST", f"/{verb}", json.dumps(arguments).encode())
        assert status == 200, result
        return result

    def refused(self, verb: str, **arguments: Any) -> tuple[int, str, str]:
        status, result = self.ask("POST", f"/{verb}", json.dumps(arguments).encode())
        assert set(result) == {"error"}
        return status, result["error"]["code"], result["error"]["message"]


@pytest.fixture
def control(broker: Broker) -> Iterator[Control]:
    served = Control(Session(broker), "127.0.0.1", 0, TOKEN)
    yield served
    served.close()


@pytest.fixture
def call(control: Control) -> Iterator[Caller]:
    caller = Caller(*control.address, TOKEN)
    yield caller
    caller.connection.close()


def test_every_verb_does_what_the_method_of_its_name_does(broker: Broker, call: Caller) -> None:
    call("create_topic", name="t", partitions=2, config={"retention.ms": 1000})
    call("add_partitions", topic="t", count=3)
    call("configure", topic="t", config={"retention.ms": 2000})
    topic = call("topics")["topics"]["t"]
    assert (list(topic["partitions"]), topic["config"]) == (["0", "1", "2"], {"retention.ms": "2000"})
    call("delete_topic", name="t")

    at = call("now")["now_ms"]
    record = call("produce", topic="orders", key="k", value={"base64": "/w=="}, headers={"h": "v"}, timestamp_ms=at)
    assert record["record"] == call("records", topic="orders")["records"][0]
    assert record["record"]["timestamp_ms"] == at
    assert record["record"]["value"] == {"base64": "/w=="}
    assert broker.records("orders")[0].value == b"\xff"
    assert len(call("wait_for_records", topic="orders", count=1)["records"]) == 1
    many = call("produce_many", topic="orders", values=["a", {"base64": "/w=="}], compression="gzip")["records"]
    assert [each["value"] for each in many] == ["a", {"base64": "/w=="}]
    assert call("records", topic="orders", start=1)["records"] == many

    assert call("explain", kind="topic", name="orders")["explanation"]["facts"]["partitions"][0]["end"] == 3

    call("commit", group="g", offsets={"orders": {"0": 1}})
    assert call("committed", group="g") == {"committed": {"orders": {"0": 1}}}
    assert call("wait_for_committed", group="g", offsets={"orders": {"0": 1}})["committed"]
    assert call("wait_for_group", group="g", state="Empty")["group"] == call("groups")["groups"]["g"]
    assert call("group", group="g")["group"]["committed"] == {"orders": {"0": 1}}
    call("delete_group", group="g")
    assert call("groups") == {"groups": {}}
    assert call("transactions") == {"transactions": []}

    before = call("now")["now_ms"]
    assert call("advance", hours=1)["now_ms"] >= before + 3_600_000
    call("freeze")
    assert call("now") == call("now")
    call("resume")

    snapshot = call("snapshot")["snapshot"]
    call("produce", topic="orders", value="gone")
    call("restore", snapshot=snapshot)
    assert len(call("records", topic="orders")["records"]) == 3
    assert "orders [0: 0..3]" in call("report")["report"]
    for verb in ("crash", "stop"):
        call(verb)
        call("restart")
    call("delete_records", topic="orders", before={"0": -1})
    assert call("records", topic="orders") == {"records": []}
    assert call("connections") == {"connections": []}
    assert call("log")["log"] == broker.log()
    call("reset")
    assert call("topics")["topics"]["orders"]["partitions"]["0"]["start"] == 0

    fault = call("fail", api="Produce", error="NOT_ENOUGH_REPLICAS", times=1)["fault"]
    call("disconnect", api="Produce", lose="request", times=1)
    held = call("hold", api="Produce", topic="orders")["fault"]
    producer = confluent_producer(broker)
    producer.produce("orders", b"v")
    assert call("wait_for_requests", api="Produce", count=1)["requests"] == call("requests", api="Prod*")["requests"]
    call("release", fault=held)
    call("remove", fault=held)
    assert producer.flush(20) == 0
    assert call("faults")["faults"][str(fault)]["count"] == 1
    call("delay", api="Fetch", seconds=1)
    call("clear")
    assert call("faults") == {"faults": {}}
    assert call.called == set(VERBS)


def test_it_lists_its_verbs(call: Caller) -> None:
    status, answer = call.ask("GET", "/")
    assert status == 200
    assert set(answer["verbs"]) == set(VERBS)
    assert answer["verbs"]["produce"]["parameters"]["topic"] == "str"
    assert all(each["does"] for each in answer["verbs"].values())


@pytest.mark.parametrize("token", [None, "", "another", "a token "])
def test_nobody_is_heard_without_the_token(control: Control, token: str | None) -> None:
    caller = Caller(*control.address, token)
    for method, path in (("POST", "/crash"), ("GET", "/"), ("POST", "/nothing")):
        status, answer = caller.ask(method, path, b"{}" if method == "POST" else None)
        assert (status, answer["error"]["code"]) == (401, "UNAUTHORIZED")
    assert control.session.broker.topics()
    caller.connection.close()


@pytest.mark.parametrize(
    ("verb", "arguments", "status", "code", "message"),
    [
        ("nothing", {}, 404, "UNKNOWN_VERB", "no verb 'nothing'"),
        ("records", {}, 400, "BAD_REQUEST", "topic is missing"),
        ("records", {"topic": 5}, 400, "BAD_REQUEST", "topic is to be str, not 5"),
        ("records", {"topic": "orders", "partition": True}, 400, "BAD_REQUEST", "partition is to be int"),
        ("records", {"topc": "orders"}, 400, "BAD_REQUEST", "unknown argument topc; it takes topic"),
        ("records", {"topic": "other"}, 404, "NOT_THERE", "there are: orders"),
        ("produce", {"topic": "orders", "value": {"base64": "?"}}, 400, "BAD_REQUEST", "bytes are written as"),
        ("produce", {"topic": "orders", "value": "v", "partition": 9}, 404, "NOT_THERE", "no partition 9"),
        ("commit", {"group": "g", "offsets": {"orders": {"a": 1}}}, 400, "BAD_REQUEST", "offsets are written as"),
        ("create_topic", {"name": "orders"}, 409, "TOPIC_ALREADY_EXISTS", "orders"),
        ("wait_for_records", {"topic": "orders", "timeout": 0.01}, 408, "NOT_SEEN", "0 came"),
        ("advance", {"seconds": -1}, 400, "BAD_REQUEST", "does not go back"),
        ("advance", {"days": 1e300}, 400, "BAD_REQUEST", "advance"),
        ("fail", {"api": "Fetsh", "error": "NOT_COORDINATOR"}, 400, "BAD_REQUEST", "did you mean Fetch"),
        ("disconnect", {"api": "Fetch", "lose": "all"}, 400, "BAD_REQUEST", "can lose request"),
        ("release", {"fault": 7}, 400, "BAD_REQUEST", "no fault 7; there are none"),
        ("explain", {"kind": "broker", "name": "1"}, 400, "BAD_REQUEST", "group, topic, client"),
        ("explain", {"kind": "group", "name": "g"}, 404, "NOT_THERE", "no group 'g'"),
        ("delete_records", {"topic": "orders", "before": {"a": 1}}, 400, "BAD_REQUEST", "offsets are written as"),
        ("produce_many", {"topic": "orders", "values": ["a", None]}, 400, "BAD_REQUEST", "values is to be list"),
        ("produce_many", {"topic": "orders", "values": [], "compression": "zip"}, 400, "BAD_REQUEST", "zip"),
        ("group", {"group": "g"}, 404, "NOT_THERE", "no group 'g'"),
        ("restore", {"snapshot": 7}, 400, "BAD_REQUEST", "no snapshot 7"),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(
    call: Caller, verb: str, arguments: dict[str, Any], status: int, code: str, message: str
) -> None:
    found = call.refused(verb, **arguments)
    assert found[:2] == (status, code)
    assert message in found[2]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/records", b"{", 400),
        ("POST", "/records", b"[1]", 400),
        ("POST", "/records", b"\xff\xfe", 400),
        ("GET", "/records", None, 405),
        ("PUT", "/records", b"{}", 501),
    ],
)
def test_what_is_not_a_call_is_refused_as_json(
    call: Caller, method: str, path: str, body: bytes | None, status: int
) -> None:
    found, answer = call.ask(method, path, body)
    assert found == status
    assert answer["error"]["message"]


@pytest.mark.parametrize("length", [str(BODY_BYTES + 1), "-1", "many"])
def test_a_body_has_a_limit(call: Caller, length: str) -> None:
    status, answer = call.ask("POST", "/records", None, **{"Content-Length": length})
    assert (status, answer["error"]["code"]) == (413, "TOO_LARGE")


def test_a_broker_that_is_down_says_so(call: Caller) -> None:
    call("crash")
    assert call.refused("records", topic="orders")[:2] == (409, "NOT_POSSIBLE")
    assert "not running" in call("report")["report"]
    call("restart")


def test_callers_do_not_wait_for_each_other(control: Control, call: Caller) -> None:
    other = Caller(*control.address, TOKEN)
    waiting = threading.Thread(target=call, args=("wait_for_records",), kwargs={"topic": "orders", "timeout": 20})
    waiting.start()
    other("produce", topic="orders", value="v")
    waiting.join(10)
    assert not waiting.is_alive()
    other.connection.close()


def serve(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "odradek.broker", "serve", "--listen", "127.0.0.1:0", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_command_line_serves_it_and_tells_where() -> None:
    options = (
        "--ephemeral",
        "--control",
        "127.0.0.1:0",
        "--ready-json",
        "--topic",
        "orders:2",
        "-c",
        "num.partitions=3",
        "--advertise",
        "kafka.example:1",
    )
    with serve(*options) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert len(ready["token"]) >= 20
        host, port = ready["control"].removeprefix("http://").split(":")
        call = Caller(host, int(port), ready["token"])
        call("produce", topic="made", value="v")
        partitions = {name: len(topic["partitions"]) for name, topic in call("topics")["topics"].items()}
        assert partitions == {"orders": 2, "made": 3}
        call("restore", snapshot=call("snapshot")["snapshot"])
        (advertised,) = Cluster(ready["bootstrap"]).metadata([]).brokers
        assert (advertised.host, advertised.port) == ("kafka.example", 1)
        call.connection.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_the_data_is_in_the_directory_without_ephemeral(tmp_path: Path) -> None:
    options = ("--data-dir", str(tmp_path), "--control", "127.0.0.1:0", "--control-token", "chosen")
    with serve(*options) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(
            r"its control at http://(\S+):(\d+) with the token chosen\..*" + re.escape(str(tmp_path)), line
        )
        assert found, line
        call = Caller(found[1], int(found[2]), "chosen")
        call("produce", topic="t", value="v")
        assert call.refused("snapshot")[:2] == (409, "NOT_POSSIBLE")
        call.connection.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert (tmp_path / "t-0").is_dir()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--control", "0.0.0.0:0"), "choose a token with --control-token"),
        (("--control", "nonsense"), "--control: 'nonsense' is not of the form HOST:PORT"),
        (("--control-token", "t"), "--control-token is for --control"),
        (("--control", "127.0.0.1:0", "--listen", "127.0.0.1:0"), "one listener"),
    ],
)
def test_the_command_line_refuses_what_it_cannot_do(options: tuple[str, ...], message: str) -> None:
    with serve("--ephemeral", *options) as process:
        _, complaint = process.communicate(timeout=20)
    assert process.returncode == 1
    assert message in complaint
    assert len(complaint.splitlines()) == 1


CURL = re.findall(r"^curl .*\$CONTROL/\w+$", PAGE.read_text(), flags=re.MULTILINE)


def test_every_verb_has_a_curl_line_in_the_docs() -> None:
    assert {line.rpartition("/")[2] for line in CURL} == set(VERBS)


def test_the_curl_lines_in_the_docs_are_a_session_that_works(control: Control) -> None:
    program("curl")
    broker = control.session.broker
    broker.delete_topic("orders")
    broker.produce("invoices", "what the service under test writes")
    confluent_producer(broker, client_id="shop").list_topics(timeout=10)
    script = "\n".join(['AUTH="Authorization: Bearer $TOKEN"', *(f"{line} --no-progress-meter" for line in CURL)])
    environment = {**os.environ, "CONTROL": control.url, "TOKEN": TOKEN}
    done = subprocess.run(
        [program("bash"), "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(CURL), done.stderr
    assert [answer["error"] for answer in answers if "error" in answer] == []
