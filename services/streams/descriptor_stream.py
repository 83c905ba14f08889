"""A raw stream onto a file descriptor."""

import io
import os

from typing_extensions import override


class DescriptorStream(io.RawIOBase):
    """What is written goes to the descriptor, as a subclass decides. To close it closes no descriptor."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    @override
    def writable(self) -> bool:
        return True

    @override
    def fileno(self) -> int:
        return self._descriptor

    @override
    def isatty(self) -> bool:
        return os.isatty(self._descriptor)
