"""`odradek explain`: what a group, a topic or a client sees, and why.

From any Kafka cluster, by what the protocol tells. A broker with a control (`odradek serve --control`) is asked itself:
it also knows what has happened, what waits, and what was asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib import error, request

import click

from . import tables
from .errors import Failure
from .explain_client import explain_client
from .explain_group import explain_group
from .explain_topic import explain_topic
from .explanation import Explanation
from .options import CONTEXT, Session, with_cluster

MORE: Final = "A broker with a control (`odradek serve --control`) tells more, with --control URL: {}."

ANSWER_TIMEOUT_S: Final = 30


@click.group(context_settings=CONTEXT)
@with_cluster
def command(session: Session) -> None:
    """Explain what a group, a topic or a client sees, and why.

    \b
        odradek explain group billing                     its state, members, lag, and what holds it up
        odradek explain topic orders                      leaders, what a fetch returns, what is not visible
        odradek explain topic orders -p 0 -o 17           what has become of one record
        odradek explain client shop                       the groups that it is in
    """


def _with_control(function: Callable[..., None]) -> Callable[..., None]:
    url = click.option("--control", metavar="URL", help="Ask a broker's control, which also knows what has happened.")
    token = click.option("--control-token", metavar="TOKEN", envvar="ODRADEK_CONTROL_TOKEN", help="What it wants.")
    return with_cluster(url(token(function)))


@command.command()
@click.argument("name")
@_with_control
def group(session: Session, name: str, control: str | None, control_token: str | None) -> None:
    """Explain the state of a group, and how far it has come."""
    if control is not None:
        _print(session, _asked(control, control_token, kind="group", name=name))
        return
    with session.cluster() as cluster:
        _print(session, explain_group(cluster, name, session.now_ms()))
    _hint(session, "since when it is in its state, who it waits for, and why it has rebalanced")


@command.command()
@click.argument("name")
@click.option("--partition", "-p", type=click.IntRange(0), metavar="N", help="This partition alone.")
@click.option("--offset", "-o", type=click.IntRange(0), metavar="N", help="What has become of this offset.")
@_with_control
def topic(
    session: Session,
    name: str,
    partition: int | None,
    offset: int | None,
    control: str | None,
    control_token: str | None,
) -> None:
    """Explain what a topic shows, and what it does not."""
    where = {key: value for key, value in {"partition": partition, "offset": offset}.items() if value is not None}
    if control is not None:
        _print(session, _asked(control, control_token, kind="topic", name=name, **where))
        return
    with session.cluster() as cluster:
        _print(session, explain_topic(cluster, name, session.now_ms(), partition=partition, offset=offset))
    _hint(session, "why records were deleted or aborted, and who waits for more")


@command.command()
@click.argument("name", metavar="CLIENT_ID")
@_with_control
def client(session: Session, name: str, control: str | None, control_token: str | None) -> None:
    """Explain what a client sees."""
    if control is not None:
        _print(session, _asked(control, control_token, kind="client", name=name))
        return
    with session.cluster() as cluster:
        _print(session, explain_client(cluster, name, session.now_ms()))
    _hint(session, "its connections, what it has asked for and was answered, and what it waits for")


def _print(session: Session, explanation: Explanation) -> None:
    if session.as_json:
        tables.print_json(explanation.as_json())
    else:
        click.echo(str(explanation))


def _hint(session: Session, more: str) -> None:
    if not session.as_json:
        click.echo(MORE.format(more), err=True)


def _asked(control: str, token: str | None, **arguments: Any) -> Explanation:
    """What a control answers to `explain`. Raises Failure."""
    if not control.startswith(("http://", "https://")):
        control = f"http://{control}"
    body = json.dumps(arguments).encode()
    headers = {"Authorization": f"Bearer {token or ''}", "Content-Type": "application/json"}
    asked = request.Request(f"{control.rstrip('/')}/explain", body, headers)
    try:
        with request.urlopen(asked, timeout=ANSWER_TIMEOUT_S) as answer:
            return _explanation(json.load(answer))
    except error.HTTPError as refused:
        raise Failure(f"the control at {control}: {_message(refused)}") from None
    except OSError as failed:
        reason = getattr(failed, "reason", failed)
        raise Failure(f"no control answers at {control} ({reason}): its address is in the ready line") from None
    except (ValueError, KeyError, TypeError):
        raise Failure(
            f"what answers at {control} is no control of a broker: its address is in the ready line"
        ) from None


def _message(refused: error.HTTPError) -> str:
    try:
        return str(json.load(refused)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"{refused.code} {refused.reason}"


def _explanation(answer: Mapping[str, Any]) -> Explanation:
    return Explanation.from_json(answer["explanation"])
