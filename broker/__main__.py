"""The command line. `odradek serve` is what most people need; `odradek --help` says the rest.

Commands import what they need when they run: --help and a mistyped option answer at once.
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
import sys
import tempfile
from typing import Any

import click

from .config.profile import profile_lines
from .logs import FORMATS, LEVELS, configure

HELP = """Odradek: a Kafka broker that any Kafka client can be pointed at.

\b
    odradek serve                                  a broker on 127.0.0.1:9092, data in ./odradek-data
    odradek serve --ephemeral --topic orders:3     nothing is kept; a topic is there from the start
    odradek serve --listen 0.0.0.0:19092           reachable from elsewhere
    odradek topics                                 ask it, or any Kafka cluster: also groups, records, configs, cluster
    odradek dump odradek-data                      what is in the files
    odradek explain group billing                  why something is as it is
    odradek doctor                                 why clients cannot connect, or a broker does not start

Point a client at it with bootstrap.servers=127.0.0.1:9092. `odradek COMMAND --help` says more about a command.
"""

SERVE_HELP = """Run a broker until Ctrl-C or SIGTERM.

\b
    odradek serve
    odradek serve --ephemeral --listen 127.0.0.1:0 --ready-json    for scripts: any free port, told as JSON
    odradek serve -c num.partitions=6 -c log.retention.hours=24    Kafka's own configuration names
    odradek serve --config server.properties                       an existing file of Kafka's

Clients are told the address at which they arrived, so that localhost and networks need no settings. Behind a forwarded
port (docker run -p) they are to be told another one: --advertise localhost:9092. A second Ctrl-C stops at once.
"""

SERVE_EPILOG = "\n".join(
    [
        "Every configuration has Kafka's default, except (development profile):",
        "",
        "\b",
        *(f"    {line}" for line in profile_lines()),
        "",
        "Each of them can be set with --config or -c. docs/configuration.md lists all names.",
    ]
)


def _print_version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        try:
            version = metadata.version("odradek")
        except metadata.PackageNotFoundError:
            version = "(not installed, run from its source)"
        click.echo(f"odradek {version}")
        context.exit()


version_option = click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)


class Failure(click.ClickException):
    """What stops a command: one line on stderr, exit code 1."""

    def show(self, file: Any = None) -> None:
        click.echo(f"odradek: {' '.join(self.message.split())}", file=file or sys.stderr)


class Commands(click.Group):
    """The commands of this module, and those of `commands/` and `doctor/`, imported when they are asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        from ..commands import COMMANDS

        return [*super().list_commands(context), *COMMANDS, "doctor"]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        found = super().get_command(context, name)
        if found is None and name == "doctor":
            from ..doctor.command import command

            return command
        if found is None:
            from ..commands import COMMANDS, load

            found = load(name) if name in COMMANDS else None
        return found


@click.group(
    cls=Commands, help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@version_option
def main() -> None:
    pass


@main.command(help=SERVE_HELP, epilog=SERVE_EPILOG)
@click.option("--listen", multiple=True, metavar="HOST:PORT", help="Accept clients here (repeatable); port 0: any.")
@click.option(
    "--advertise", multiple=True, metavar="HOST:PORT", envvar="ODRADEK_ADVERTISE", help="Tell clients this address."
)
@click.option("--data-dir", metavar="DIR", help="Where the data is kept.")
@click.option("--ephemeral", is_flag=True, help="Keep the data in a temporary directory and remove it at the end.")
@click.option("--config", "config_file", metavar="FILE", help="Read configuration from a server.properties file.")
@click.option("-c", "configs", multiple=True, metavar="NAME=VALUE", help="Set a configuration (repeatable).")
@click.option("--topic", "topics", multiple=True, metavar="NAME[:PARTITIONS]", help="Create a topic if it is missing.")
@click.option("--as-version", metavar="RELEASE", help="Show clients what an earlier Kafka speaks, such as 2.8.")
@click.option("--control", metavar="HOST:PORT", help="Let tests control the broker over HTTP (docs/testing.md).")
@click.option("--control-token", metavar="TOKEN", help="What they must send; a random one is made and told.")
@click.option("--ready-json", is_flag=True, help="Say it with a JSON line: bootstrap, pid, cluster_id, data_dir.")
@click.option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True, help="Log this and above.")
@click.option("--log-format", type=click.Choice(FORMATS), default="text", show_default=True, help="Form of log lines.")
@version_option
def serve(
    listen: tuple[str, ...],
    advertise: tuple[str, ...],
    data_dir: str | None,
    ephemeral: bool,
    config_file: str | None,
    configs: tuple[str, ...],
    topics: tuple[str, ...],
    as_version: str | None,
    control: str | None,
    control_token: str | None,
    ready_json: bool,
    log_level: str,
    log_format: str,
) -> None:
    gc.disable()  # a start makes no garbage worth looking for; `foreground` turns it on again

    from .config import ConfigError
    from .options import ServeOptions, gather
    from .settings import StartupError

    if ephemeral and data_dir is not None:
        raise Failure("--ephemeral and --data-dir exclude each other: the one forgets what the other keeps")
    configure(log_level, log_format)
    if control is None and control_token is not None:
        raise Failure("--control-token is for --control, which is not given")
    temporary = tempfile.mkdtemp(prefix="odradek-") if ephemeral and control is None else None
    try:
        directory = temporary or data_dir
        settings, notes = gather(ServeOptions(listen, advertise, directory, config_file, configs, topics, as_version))
        for note in notes:
            logging.getLogger("odradek.broker").warning("%s", note)
        if control is not None:
            from ..testing.serving import serve_controlled

            serve_controlled(settings, control=control, token=control_token, in_memory=ephemeral, as_json=ready_json)
            return
        from .foreground import serve_until_signal

        serve_until_signal(settings, as_json=ready_json, temporary=temporary)
    except (ConfigError, StartupError) as error:
        raise Failure(str(error)) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


@main.command("format")
@click.option("--data-dir", metavar="DIR", help="The directory to format, if not the one that is configured.")
@click.option(
    "--cluster-id", "-t", metavar="ID", help="22 characters, as kafka-storage random-uuid prints; else random."
)
@click.option("--ignore-formatted", "-g", is_flag=True, help="Leave directories alone that are formatted already.")
@click.option("--config", "config_file", metavar="FILE", help="Read configuration from a server.properties file.")
@click.option("-c", "configs", multiple=True, metavar="NAME=VALUE", help="Set a configuration (repeatable).")
def format_(
    data_dir: str | None,
    cluster_id: str | None,
    ignore_formatted: bool,
    config_file: str | None,
    configs: tuple[str, ...],
) -> None:
    """Make a directory the log directory of a new cluster, as kafka-storage format does.

    `odradek serve` does it by itself when the directory is empty. Apache Kafka starts on the result, too.
    """
    import random

    from ..storage.disk import LocalDisk
    from ..storage.errors import StorageError
    from .config import ConfigError
    from .formatting import check_cluster_id, format_directories
    from .options import ServeOptions, gather

    try:
        settings, _ = gather(ServeOptions(data_dir=data_dir, config_file=config_file, configs=configs))
        used_id, formatted = format_directories(
            settings.config.log_dirs,
            LocalDisk(),
            random.Random(),
            node_id=settings.config.node_id,
            cluster_id=None if cluster_id is None else check_cluster_id(cluster_id),
            ignore_formatted=ignore_formatted,
        )
    except (ConfigError, StorageError) as error:
        raise Failure(str(error)) from error
    except OSError as error:
        raise Failure(f"{error.strerror or error} ({error.filename}): choose another directory") from error
    for path in formatted:
        click.echo(f"Formatted {os.path.abspath(path)} for cluster {used_id}.")
    if not formatted:
        click.echo(f"All directories are formatted already, for cluster {used_id}.")


@main.command()
@click.argument("words", nargs=-1)
@click.option("--markdown", "as_markdown", is_flag=True, help="Print docs/configuration.md.")
def config(words: tuple[str, ...], as_markdown: bool) -> None:
    """Explain the configuration names that contain all WORDS, with their defaults.

    \b
        odradek config retention
        odradek config group session
    """
    from .config.document import markdown, plain

    text = markdown() if as_markdown else plain(words)
    if not text:
        raise Failure(f"no configuration has to do with {' '.join(words)}")
    click.echo(text, nl=False)


if __name__ == "__main__":
    main(prog_name="odradek")
