"""LocalStack's plug-in that keeps what S3 stores in this LocalStack's own folder for temporary files.

By itself it is one folder of /tmp for all that run on a machine, in which each removes the buckets of the others that
have the same name; and what was there when it was killed stays. LocalStack finds this by the entry point beside it.
"""

import tempfile
from pathlib import Path

from localstack.runtime import hooks  # type: ignore[import-not-found]


@hooks.on_infra_start()  # type: ignore[untyped-decorator]  # LocalStack has no types
def keep_objects_in_own_folder() -> None:
    """Let S3 store below TMPDIR, before it stores anything."""
    from localstack.services.s3 import provider  # type: ignore[import-not-found]  # noqa: PLC0415  # not by who looks for plug-ins

    provider.DEFAULT_S3_TMP_DIR = str(Path(tempfile.gettempdir(), "s3"))
