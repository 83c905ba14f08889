"""What the documents say is what the code does."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from services.primitives import exact_json
from services.queues import define_queues
from services.task_types.loading import load_task_types
from services.task_types.task_type import ItemError
from services.tasks import calculation
from stack.aws.functions import function_of_api, functions_of_watcher, functions_of_workers
from stack.aws.user_settings import secret_settings
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

FOLDERS = (
    *(".ci", ".github", "bench", "docs", "findings", "localstack-init", "observability", "receiver", "requirements"),
    *("examples", "services", "stack", "tests", "web"),
)
# In which a path may begin, besides this one's folder.
PROJECTS = (ROOT / "examples" / "own_task_types", ROOT / "examples" / "new_project")
FILES = sorted(
    file
    for file in [*ROOT.glob("*"), *(file for folder in FOLDERS for file in (ROOT / folder).rglob("*"))]
    if file.is_file() and file.suffix not in {".pyc", ".png", ".svg"} and file.name != ".env"
)
# What was, stands there.
HISTORY = ROOT / "CHANGELOG.md"
# The file that its reader is to write.
TO_BE_WRITTEN = "services/tasks/word_count.py"

PATH = re.compile(rf"(?<![\w@/.:-])(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./-]*\w")
PACKAGE = "services|stack|receiver|web|bench|tests"
MODULE = re.compile(rf"`(?:[^`\n]* )?((?:{PACKAGE})(?:\.\w+)+)(?: [^`\n]*)?`")
FILE_NAME = re.compile(r"`(?:static/)?([\w-]+\.(?:py|js))`|\(see (\w+\.py)\)")
# What is named behind a link to its module: `function`, `Class`, `Class.method`.
NAMED_IN_MODULE = re.compile(r"\]\(([^)]+\.py)\) ((?:`[A-Za-z_][\w.]*`(?:, )?)+)")
MERMAID_BLOCK = re.compile(r'^  (\w+)\[".*"\]:(\d+)$', flags=re.MULTILINE)

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
    documented = settings_rows()[name]
    if FIELDS[name].is_required():
        assert documented == "none"
        return
    default = as_text(FIELDS[name].default)
    assert (
        documented.startswith("unset") if default == "None" else documented == (f"`{default}`" if default else "empty")
    )


def test_the_worked_example_of_a_task_type_is_the_file_that_is_run() -> None:
    page = (ROOT / "docs" / "adding-a-task-type.md").read_text()
    code = re.search(r"```python\n(.*?)```", page, flags=re.DOTALL)
    assert code is not None
    assert code[1] == (ROOT / "tests/end_to_end/worked_example/word_count.py").read_text()


@pytest.mark.parametrize(
    "name",
    [
        "conftest.py",
        "pyproject.toml",
        "test_broken_links.py",
        "test_on_a_stack.py",
        "tests.yml",
    ],
)
def test_the_tests_of_a_task_type_are_the_files_that_are_run(name: str) -> None:
    page = (ROOT / "docs" / "testing-a-task-type.md").read_text()
    blocks = re.findall(r"```(?:python|toml|yaml)\n(.*?)```", page, flags=re.DOTALL)
    [file] = (ROOT / "examples/own_task_types").rglob(name)
    assert file.read_text() in blocks


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_and_files_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text())
    missing = [target for target in targets if "://" not in target and not (document.parent / target).exists()]
    assert missing == []


def anchors_of(document: Path) -> set[str]:
    """Return those that GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_sections_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?![a-z]+:)([^)#]*)#([^)]+)\)", document.read_text())
    missing = [
        f"{path}#{anchor}"
        for path, anchor in links
        if anchor not in anchors_of(document.parent / path if path else document)
    ]
    assert missing == []


def test_a_path_that_is_mentioned_anywhere_is_there() -> None:
    dead = {
        f"{file.relative_to(ROOT)}: {path}"
        for file in FILES
        if file != HISTORY
        for path in PATH.findall(file.read_text(errors="replace"))
        if path != TO_BE_WRITTEN and not any((folder / path).exists() for folder in (ROOT, *PROJECTS))
    }
    assert dead == set()


def test_a_file_that_is_named_alone_is_there() -> None:
    there = {file.name for file in FILES}
    dead = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in FILES
        if file.suffix in {".md", ".py"} and file != HISTORY
        for name in map("".join, FILE_NAME.findall(file.read_text()))
        if name not in there
    }
    assert dead == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_module_that_a_document_names_is_there(document: Path) -> None:
    named = [] if document == HISTORY else MODULE.findall(document.read_text())
    paths = [ROOT.joinpath(*module.split(".")) for module in named]
    assert [str(path) for path in paths if not path.is_dir() and not path.with_suffix(".py").exists()] == []


def names_in(module: Path) -> Iterator[str]:
    """Yield what a module defines, at its top and in its classes."""
    for node in ast.walk(ast.parse(module.read_text())):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Assign(targets=[ast.Name(id=name)]):
                yield name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_is_named_behind_a_link_to_its_module_is_defined_there(document: Path) -> None:
    dead = [
        f"{module}: {name}"
        for module, named in NAMED_IN_MODULE.findall(document.read_text())
        for name in re.findall(r"\w+", named)
        if name not in set(names_in(document.parent / module))
    ]
    assert dead == []


def test_the_picture_of_the_rooms_is_the_contract_of_their_imports() -> None:
    page = (ROOT / "docs/how-it-works.md").read_text()
    width = re.search(r"columns (\d+)", page)
    assert width is not None
    drawn: list[set[str]] = [set()]
    columns = 0
    for room, span in MERMAID_BLOCK.findall(page):
        if columns == int(width[1]):
            drawn, columns = [*drawn, set()], 0
        drawn[-1].add(room)
        columns += int(span)

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [of_services] = [contract for contract in contracts if contract.get("containers") == ["services"]]
    assert drawn == [set(layer.split(" | ")) for layer in of_services["layers"]]


def test_what_each_function_may_do_is_what_the_page_says() -> None:
    table = (ROOT / "docs/aws.md").read_text().partition("| function | receives from |")[2].partition("\n\n")[0]
    rows = [[set(re.findall(r"`([^`]+)`", cell)) for cell in row.split("|")[1:-1]] for row in table.splitlines()[2:]]

    task_types = load_task_types(["services.tasks"])
    definitions = list(define_queues(task_types).values())
    secrets = secret_settings(task_types)
    functions = [
        function_of_api(definitions, 5, secrets),
        *functions_of_workers(definitions, task_types, secrets),
        *functions_of_watcher(definitions, 60, secrets),
    ]
    assert rows == [
        [{each.name}, received, set(each.queues.sends_to), set(each.queues.looks_at)]
        for each in functions
        for received in [{trigger.queue.name for trigger in each.triggers}]
    ]


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
