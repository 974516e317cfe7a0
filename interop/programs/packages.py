"""Fetches the clients of the programs with npm and Go's own tools, once, and builds what has to be built.

What was made is kept under the hash of what it was made from, in `$XDG_CACHE_HOME/odradek` or `~/.cache/odradek`.
"""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable

from .. import needs

HERE = pathlib.Path(__file__).parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "odradek"

GO_MODULES = {
    "franz.go": ("github.com/twmb/franz-go@v1.22.3", "github.com/twmb/franz-go/pkg/kadm@v1.19.0"),
    "sarama.go": ("github.com/IBM/sarama@v1.61.1",),
}
KAFKAJS = "kafkajs@2.2.4"


def go_program(source: str) -> list[str]:
    """The command that runs a Go program of this folder."""
    go = needs.program("go")

    def build(folder: pathlib.Path) -> None:
        shutil.copy(HERE / source, folder / "main.go")
        for step in (["mod", "init", "program"], ["get", *GO_MODULES[source]], ["mod", "tidy"], ["build", "-o", "run"]):
            subprocess.run([go, *step], cwd=folder, check=True)

    return [str(_made((HERE / source).read_text() + str(GO_MODULES[source]), build) / "run")]


def node_program(source: str) -> list[str]:
    """The command that runs a Node program of this folder."""
    node, npm = needs.program("node"), needs.program("npm")

    def install(folder: pathlib.Path) -> None:
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), KAFKAJS]
        subprocess.run(command, check=True)
        shutil.copy(HERE / source, folder / source)

    return [node, str(_made((HERE / source).read_text() + KAFKAJS, install) / source)]


def _made(text: str, make: Callable[[pathlib.Path], None]) -> pathlib.Path:
    """The folder that `make` filled for this text; one process at a time makes it, and it appears when it is whole."""
    folder = CACHE / f"program-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / ".programs").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as parent:
                fresh = pathlib.Path(parent) / "fresh"
                fresh.mkdir()
                make(fresh)
                fresh.rename(folder)
    return folder
