"""A template as the YAML text of a file that is generated, and read by people."""

from typing import Any

import yaml

_WIDTH = 120


class _Dumper(yaml.SafeDumper):
    """Writes what occurs twice twice: a reader of YAML follows anchors, one of a template does not want to."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def yaml_text(document: dict[str, Any], header: str) -> str:
    """Return the document in the order of its keys, below a comment of these lines."""
    comment = "".join(f"# {line}".rstrip() + "\n" for line in header.splitlines())
    body = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return comment + body
