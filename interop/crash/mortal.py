"""`odradek serve` that kills itself at an operation on the disk, as $ODRADEK_DIES says: `rename .swap 2 before`.

The second rename to a path that contains .swap is not carried out any more. `after`: it is the last thing that is.
`torn`: of a write only the first half reaches the file, as when a process is killed within it.
"""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from odradek.broker import __main__ as command_line
from odradek.storage.disk import LocalDisk, LocalFile

AIM = "ODRADEK_DIES"


def install(operation: str, path: str, number: int, how: str) -> None:
    owner: type = LocalDisk if hasattr(LocalDisk, operation) else LocalFile
    carry_out: Callable[..., Any] = getattr(owner, operation)
    left = number
    counting = threading.Lock()

    def dies(self: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal left
        if path not in _path_of(self, operation, arguments):
            return carry_out(self, *arguments, **options)
        with counting:
            left -= 1
            is_the_one = left == 0
        if not is_the_one:
            return carry_out(self, *arguments, **options)
        if how == "after":
            carry_out(self, *arguments, **options)
        elif how == "torn":
            data = b"".join(arguments[1:])
            carry_out(self, arguments[0], data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    setattr(owner, operation, dies)


def _path_of(owner: Any, operation: str, arguments: tuple[Any, ...]) -> str:
    """The path that an operation is about; a file's new one when it gets another name."""
    if isinstance(owner, LocalFile):
        return owner.path
    return str(arguments[1] if operation == "rename" else arguments[0])


def main() -> None:
    if aim := os.environ.get(AIM):
        operation, path, number, how = aim.split()
        install(operation, path, int(number), how)
    command_line.main(prog_name="odradek")


if __name__ == "__main__":
    main()
