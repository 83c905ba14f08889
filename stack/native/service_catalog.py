"""LocalStack's index of all services of AWS: made by one start of it, and handed to those that follow.

Else each LocalStack with a directory of its own makes it: 3 s of CPU, and 350 MB for as long as it runs. Its own image
is built with one. (https://github.com/localstack/localstack, localstack.aws.spec)
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from stack.errors import writing

# Its name has the versions of LocalStack and botocore.
_CATALOGS = "service-catalog-*.dill"


def hand_over_catalog(environment: Path, filesystem_root: Path) -> None:
    """Put what is kept in LocalStack's environment where the LocalStack that is about to start looks for it.

    Raises `StackError` where that cannot be written.
    """
    cache = _cache(filesystem_root)
    with writing(cache):
        cache.mkdir(parents=True, exist_ok=True)
        for left in cache.glob(_CATALOGS):
            # It may have been killed in the midst of writing it.
            left.unlink()
        for kept in environment.glob(_CATALOGS):
            shutil.copyfile(kept, cache / kept.name)


def keep_catalog(filesystem_root: Path, environment: Path) -> None:
    """Keep what a LocalStack that is ready has made. Where its environment cannot be written, the next one makes it."""
    for made in _cache(filesystem_root).glob(_CATALOGS):
        kept = environment / made.name
        if not kept.exists():
            with suppress(OSError):
                _copy_whole(made, kept)


def _copy_whole(source: Path, target: Path) -> None:
    unfinished = target.with_name(f"{target.name}.unfinished-{os.getpid()}")
    try:
        with unfinished.open("wb") as copy:
            copy.write(source.read_bytes())
            copy.flush()
            os.fsync(copy.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _cache(filesystem_root: Path) -> Path:
    return filesystem_root / "var" / "lib" / "localstack" / "cache"
