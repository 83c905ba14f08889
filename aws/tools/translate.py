"""Run by the interpreter of the tools of AWS: makes CloudFormation of a SAM template, and has cfn-lint look at that.

The template comes on standard input as JSON. What goes to standard output is JSON too: `faults`, a line for each, and
`resources`, those of the translated template; none where it cannot be translated. cfn-lint is given the translated
template, as it does not see what SAM's properties become.
"""

import json
import sys
from typing import Any

from cfnlint.api import lint  # type: ignore[import-not-found,unused-ignore]  # in an environment that is not ours
from samtranslator.model.exceptions import InvalidDocumentException  # type: ignore[import-not-found,unused-ignore]
from samtranslator.parser.parser import Parser  # type: ignore[import-not-found,unused-ignore]
from samtranslator.translator.translator import Translator  # type: ignore[import-not-found,unused-ignore]

# It wants the ARNs of AWS's own policies, which it would ask AWS for: our functions have roles of their own.
_NO_MANAGED_POLICIES: dict[str, str] = {}

# SAM packs code before it translates: there it stands as what was uploaded.
_UPLOADED = "s3://bucket/key"


def main() -> None:
    """Translate and check."""
    template = json.load(sys.stdin)
    template.get("Globals", {}).get("Function", {}).update(CodeUri=_UPLOADED)
    try:
        translated = Translator(_NO_MANAGED_POLICIES, Parser()).translate(template, parameter_values={})
    except InvalidDocumentException as error:
        answer: dict[str, Any] = {"faults": sorted(cause.message for cause in error.causes), "resources": {}}
    else:
        answer = {"faults": sorted(map(_line, lint(json.dumps(translated)))), "resources": translated["Resources"]}
    json.dump(answer, sys.stdout)


def _line(match: Any) -> str:
    path = "/".join(map(str, match.path or ()))
    return f"{path}: {match.message} ({match.rule.id})"


if __name__ == "__main__":
    main()
