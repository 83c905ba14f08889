"""YAML as the generated files have it: in the order of the code, every value written out where it stands."""

from collections.abc import Mapping
from typing import Any

import yaml

_COLUMNS = 120


class _Written(yaml.SafeDumper):
    """CloudFormation takes no anchors, and people read no references."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # as declared there
        return True


def as_yaml(comment: str, *documents: Mapping[str, Any]) -> str:
    """Return the documents as the text of one file, under a comment of as many lines as it has."""
    head = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    body = yaml.dump_all(documents, Dumper=_Written, sort_keys=False, default_flow_style=None, width=_COLUMNS)
    return head + body
