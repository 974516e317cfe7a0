"""The one error of storage that is ours to word, and what the system's errors say about a disk."""

import errno
from typing import Final


class StorageError(Exception):
    """What is on the disk cannot be used as it is.

    The message is one line: which file or directory, what is wrong with it, and what to do if that is not plain.
    What the operating system has to say comes as OSError, unchanged.
    """


NOT_THE_DISK: Final = frozenset(
    {
        *(errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY, errno.ENAMETOOLONG),  # names
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG),  # no room: it comes back
        *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR, errno.EAGAIN),  # this process, or this machine
    }
)


def means_failure(error: OSError) -> bool:
    """Whether after this error the directory that it came from cannot be relied on any more.

    Kafka takes every error for a failure. A full disk is none here: what did not fit was cut off again, and the next
    write that fits is as good as any. Nor is a lack of file descriptors.
    """
    return error.errno is not None and error.errno not in NOT_THE_DISK
