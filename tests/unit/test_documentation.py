"""What the documents say is what the code does."""

import re
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from services.primitives import exact_json
from services.task_types.task_type import ItemError
from services.tasks import calculation
from stack.config import ROOT
from stack.tryout import demo
from tests.settings_classes import SETTINGS_CLASSES

README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob(".ci/base-images/*.md"),
        *ROOT.glob("observability/*.md"),
        *ROOT.glob("findings/*.md"),
    ]
)

FIELDS: dict[str, FieldInfo] = {
    name.upper(): field for settings in SETTINGS_CLASSES for name, field in settings.model_fields.items()
}


def settings_rows() -> dict[str, str]:
    """The default of each setting, as the README's table has it."""
    rows: dict[str, str] = {}
    for line in README.splitlines():
        names, _, rest = line.removeprefix("| ").partition(" | ")
        if re.fullmatch(r"`[A-Z_]+`(, `[A-Z_]+`)*", names):
            defaults = rest.partition(" | ")[0].split(", ")
            for name, default in zip(names.split(", "), defaults, strict=True):
                rows.setdefault(name.strip("`"), default.strip())
    return rows


def as_text(default: object) -> str:
    match default:
        case list():
            return ",".join(as_text(each) for each in default)
        case float():
            return f"{default:g}"
        case bool():
            return str(default).lower()
        case _:
            return str(default)


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_the_readme_has_every_setting_with_its_default(name: str) -> None:
    default = as_text(FIELDS[name].default)
    documented = settings_rows()[name]
    assert (
        documented.startswith("unset") if default == "None" else documented == (f"`{default}`" if default else "empty")
    )


def test_the_worked_example_of_a_task_type_is_the_file_that_is_run() -> None:
    page = (ROOT / "docs" / "adding-a-task-type.md").read_text()
    code = re.search(r"```python\n(.*?)```", page, flags=re.DOTALL)
    assert code is not None
    assert code[1] == (ROOT / "tests/end_to_end/worked_example/word_count.py").read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_and_files_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text())
    missing = [target for target in targets if "://" not in target and not (document.parent / target).exists()]
    assert missing == []


def test_the_calculations_of_the_readme_are_those_of_the_demo_and_of_the_api_s_documentation_to_the_digit() -> None:
    posted = re.search(r"-d '(\{[^']*'\$CALLBACK_URL'.*?\})'", README, flags=re.DOTALL)
    assert posted
    message = exact_json.loads(posted[1].replace("'$CALLBACK_URL'", ""))["message"]

    assert (
        message
        == exact_json.loads(demo.CALCULATIONS)
        == exact_json.loads(exact_json.dumps(calculation.TASK_TYPE.example))
    )


def test_the_outcome_of_the_readme_is_what_is_answered() -> None:
    results, errors = [], []
    for item in calculation.TASK_TYPE.example:
        try:
            results.append({item["name"]: calculation.calculate(calculation.CalculationItem(**item))})
        except ItemError as error:
            errors.append({item["name"]: str(error)})

    shown = re.search(r'^\{"results": \[\{"calc_0".*?"task_id": "[^"]*"\}$', README, flags=re.DOTALL | re.MULTILINE)
    assert shown
    outcome = exact_json.loads(shown[0])
    assert exact_json.dumps([outcome["results"], outcome["errors"]]) == exact_json.dumps([results, errors])
