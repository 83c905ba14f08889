"""YAML as the text of a file that is generated, and read by people: in the order of the code, without references."""

from collections.abc import Mapping
from typing import Any

import yaml

_COLUMNS = 120


class _Dumper(yaml.SafeDumper):
    """Writes what occurs twice twice: a reader of YAML follows anchors, one of a template does not want to."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def yaml_text(comment: str, *documents: Mapping[str, Any]) -> str:
    """Return the documents as the text of one file, below a comment of as many lines as it has."""
    head = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    body = yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=_COLUMNS
    )
    return head + body
