"""What the command line hands to the server, and what the server tells it back."""

from dataclasses import dataclass

from .config import Config, Endpoint


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """Everything that `odradek serve` was asked for, checked as far as that goes without touching disk or network."""

    config: Config
    listeners: tuple[Endpoint, ...]
    """Where to accept clients; never empty; port 0 means any free port."""
    advertised: tuple[Endpoint, ...]
    """What clients are told; empty means the address that each connected to."""
    data_dir: str
    """Absolute path of the log directory, for people; of several, all with commas between. `config.log_dirs` counts."""
    topics: tuple[tuple[str, int | None], ...] = ()
    """Topics to create when missing, with their partitions; None means num.partitions."""
    as_version: str | None = None
    """The release of Apache Kafka to look like (broker/releases.py); None for ourselves."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Clients are accepted from now on."""

    bootstrap: str
    """host:port of each listener, commas between, with the ports really taken."""
    cluster_id: str
    data_dir: str


class StartupError(Exception):
    """The broker cannot start. The message is one line for the user: what is wrong, and what to do about it."""
