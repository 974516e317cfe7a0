"""The one error of storage that is ours to word."""


class StorageError(Exception):
    """What is on the disk cannot be used as it is.

    The message is one line: which file or directory, what is wrong with it, and what to do if that is not plain.
    What the operating system has to say comes as OSError, unchanged.
    """
