"""What `odradek serve` runs: a broker until it is told to stop, with every start-up failure as one line that says what
to do."""

from __future__ import annotations

from collections.abc import Callable

import trio

from ..storage.disk import Disk
from ..storage.errors import StorageError
from ..wire.apis.create_topics import CreatableTopic, CreateTopicsRequest
from ..wire.errors import ErrorCode
from .broker import Broker
from .releases import apis_of
from .settings import Ready, ServeSettings, StartupError

Report = Callable[[Ready], None]


async def serve(settings: ServeSettings, on_ready: Report, stop: trio.Event, disk: Disk | None = None) -> None:
    """Run a broker until `stop` is set. Raises StartupError, also when a disk that fails later ends it."""
    apis = None if settings.as_version is None else apis_of(settings.as_version)
    broker = Broker(settings.config, disk=disk, apis=apis)
    advice = "choose a directory that can be written with --data-dir DIR"
    try:
        async with broker.running(settings.listeners, settings.advertised) as addresses:
            await _create_topics(broker, settings)
            bootstrap = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in addresses)
            on_ready(Ready(bootstrap=bootstrap, cluster_id=broker.metadata.cluster_id, data_dir=settings.data_dir))
            advice = "the broker had to stop; see to the disk and start it again"
            await stop.wait()
    except BaseExceptionGroup as group:
        cause = _first(group)
        if isinstance(cause, (StartupError, StorageError, OSError)):
            raise _as_one_line(cause, advice) from cause
        raise
    except (StorageError, OSError) as cause:
        raise _as_one_line(cause, advice) from cause


async def _create_topics(broker: Broker, settings: ServeSettings) -> None:
    missing = [(name, count) for name, count in settings.topics if name not in broker.metadata.image.topics]
    if missing:
        topics = [
            CreatableTopic(name=name, num_partitions=count or -1, replication_factor=-1) for name, count in missing
        ]
        answer = await broker.metadata.create_topics(CreateTopicsRequest(topics=topics))
        for topic in answer.topics:
            if topic.error_code != ErrorCode.NONE:
                raise StartupError(f"cannot create topic {topic.name!r}: {topic.error_message}")


def _first(group: BaseException) -> BaseException:
    """The first leaf of a group: one cause is enough for one line."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group


def _as_one_line(cause: BaseException, advice: str) -> StartupError:
    if isinstance(cause, OSError):
        where = f" ({cause.filename})" if cause.filename else ""
        return StartupError(f"{cause.strerror or cause}{where}: {advice}")
    return cause if isinstance(cause, StartupError) else StartupError(str(cause))
