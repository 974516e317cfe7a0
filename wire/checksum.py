"""CRC-32C, as the `crc32c` package computes it.

Of the package only the extension module is loaded: its `__init__` asks for its own version and has a command line, and
with what that imports (importlib.metadata, email, argparse) it would be a fifth of the time that a broker takes to
start.
"""

from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Final, Protocol


class Checksum(Protocol):
    def __call__(self, data: bytes | bytearray | memoryview, value: int = 0, /) -> int:
        """The checksum of the data; with `value` of what that is the checksum of, and the data behind it."""


PACKAGE: Final = "crc32c"
EXTENSION: Final = "_crc32c"


def _load() -> Checksum:
    package = find_spec(PACKAGE)  # of a package at the top, this imports nothing
    places = package.submodule_search_locations if package is not None else None
    found = PathFinder.find_spec(EXTENSION, places) if places else None
    if found is None or found.loader is None:  # another version of the package, built otherwise
        from crc32c import crc32c

        return crc32c
    extension = module_from_spec(found)
    found.loader.exec_module(extension)
    loaded: Checksum = extension.crc32c
    return loaded


crc32c: Final = _load()
