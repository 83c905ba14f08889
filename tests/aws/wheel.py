"""A library as its author has built it: so it is installed without an index of packages, and without a build."""

import zipfile
from pathlib import Path


def wheel(folder: Path, name: str, version: str = "1.0") -> Path:
    """Write one of a single module, which has `LOUD`.

    https://packaging.python.org/en/latest/specifications/binary-distribution-format/
    """
    file = folder / f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(file, "w") as parts:
        parts.writestr(f"{name}.py", "LOUD = '!'\n")
        parts.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        parts.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        parts.writestr(f"{about}/RECORD", "")
    return file
