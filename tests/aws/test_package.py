"""The package of the functions: what is in it, how large it is, and that it is enough to start each of them."""

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from function_log import FunctionLog
from function_runtime import FunctionCode, FunctionRuntime

from stack.aws.package import Contents, Target, build, this_version
from stack.config import ROOT
from stack.errors import StackError
from stack.interpreter import environment_python
from tests.aws.wheel import wheel

OURS = Contents(["services.tasks"])

BACKEND = f"""
import sys
from pathlib import Path

sys.path.insert(0, {str(ROOT)!r})
from tests.aws.wheel import wheel


def build_wheel(directory, config_settings=None, metadata_directory=None):
    return wheel(Path(directory), "shouting").name


build_editable = build_wheel
"""

MOST_UNZIPPED_BYTES = 60_000_000

SETTINGS = {
    "AWS_LAMBDA_FUNCTION_NAME": "packed",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    # Nobody listens there: a function starts without its queues, and says so.
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "FUNCTION_TIMEOUT_SECONDS": "360",
    "VISIBILITY_TIMEOUT_SECONDS": "2160",
    "WORKER_QUEUE": "calculation",
    "RECEIVER_TOKEN": "a-token-of-the-tests",
    "LOG_FORMAT": "json",
    "METRICS_ENABLED": "false",
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("package")


@pytest.fixture(scope="module")
def package(directory: Path) -> Path:
    return build(directory, OURS, print)


def names_in(package: Path) -> set[str]:
    with zipfile.ZipFile(package) as file:
        return set(file.namelist())


def test_it_is_as_large_as_what_the_functions_need(package: Path) -> None:
    with zipfile.ZipFile(package) as file:
        assert sum(entry.file_size for entry in file.infolist()) <= MOST_UNZIPPED_BYTES


def test_it_has_no_server_no_terminal_and_of_aws_nothing_but_sqs(package: Path) -> None:
    names = names_in(package)

    assert not [name for name in names if name.partition("/")[0] in {"uvicorn", "uvloop", "rich", "typer", "tests"}]
    described = {name.split("/")[2] for name in names if name.startswith("botocore/data/") and name.count("/") > 2}
    assert described == {"sqs"}


def test_all_code_of_the_project_has_its_bytecode(package: Path) -> None:
    names = names_in(package)
    tag = f"cpython-{this_version().replace('.', '')}"

    for name in [name for name in names if name.startswith(("receiver/", "services/")) and name.endswith(".py")]:
        folder, _, file = name.rpartition("/")
        assert f"{folder}/__pycache__/{file.removesuffix('.py')}.{tag}.pyc" in names


@pytest.fixture(scope="module")
def unzipped(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(package) as file:
        file.extractall(folder)
    return folder


@pytest.mark.parametrize("program", ["services.api", "services.worker", "services.dlq_watcher", "receiver"])
def test_each_function_starts_with_it_and_awss_runtime_alone(program: str, unzipped: Path, tmp_path: Path) -> None:
    python = environment_python("lambda-runtime")
    if not python.exists():
        pytest.fail(f"{python} is missing: run `make test-lambda`", pytrace=False)
    log = FunctionLog(tmp_path / "function.log")
    settings = {**SETTINGS, "RECEIVER_DATABASE": str(tmp_path / "receiver.sqlite3")}
    code = FunctionCode("packed", f"{program}.aws_lambda.handler", unzipped, python, 360, settings)
    runtime = FunctionRuntime(code, log)
    try:
        runtime.start()
        assert runtime.pid is not None
    finally:
        runtime.stop()


def test_the_same_code_is_the_same_package_and_is_built_once(package: Path, directory: Path) -> None:
    said: list[str] = []

    assert build(directory, OURS, said.append) == package
    assert said == []


@pytest.fixture
def own_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of task types that is none of this project's."""
    module = tmp_path / "own_tasks" / "types" / "shout.py"
    module.parent.mkdir(parents=True)
    (tmp_path / "own_tasks" / "__init__.py").write_text("")
    module.write_text("LOUD = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield module
    for name in [name for name in sys.modules if name.partition(".")[0] == "own_tasks"]:
        del sys.modules[name]


def test_packages_of_task_types_are_in_it_and_their_code_makes_it_another_one(own_tasks: Path, directory: Path) -> None:
    first = build(directory, Contents(["services.tasks", "own_tasks.types"]), print)
    assert "own_tasks/types/shout.py" in names_in(first)

    own_tasks.write_text("LOUD = False\n")
    second = build(directory, Contents(["services.tasks", "own_tasks.types"]), print)

    assert second != first
    assert not first.exists()


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    """What a project's task types need: libraries that lie in its folder."""
    (tmp_path / "wheels").mkdir()
    wheel(tmp_path / "wheels", "shouting")
    file = tmp_path / "requirements.txt"
    file.write_text("./wheels/shouting-1.0-py3-none-any.whl\n")
    return file


@pytest.mark.parametrize("target", [None, Target("x86_64", this_version())], ids=["here", "lambda"])
def test_what_a_project_asks_for_is_in_it_beside_the_services_libraries(
    requirements: Path, target: Target | None, tmp_path: Path
) -> None:
    own = build(tmp_path, Contents(OURS.task_packages, requirements), print, target=target)

    tag = f"cpython-{this_version().replace('.', '')}"
    assert {"shouting.py", f"__pycache__/shouting.{tag}.pyc", "pydantic/__init__.py"} <= names_in(own)


def test_what_it_asks_for_is_installed_again_only_where_it_asks_for_something_else(
    requirements: Path, tmp_path: Path
) -> None:
    first = build(tmp_path, Contents(OURS.task_packages, requirements), print)
    said: list[str] = []
    assert build(tmp_path, Contents(OURS.task_packages, requirements), said.append) == first
    assert said == []

    wheel(tmp_path / "wheels", "whispering")
    requirements.write_text("./wheels/whispering-1.0-py3-none-any.whl\n")
    names = names_in(build(tmp_path, Contents(OURS.task_packages, requirements), print))
    assert "whispering.py" in names
    assert "shouting.py" not in names


def test_a_project_that_asks_for_nothing_has_what_the_services_have(requirements: Path, tmp_path: Path) -> None:
    requirements.write_text("# Nothing yet.\n")

    assert "pydantic/__init__.py" in names_in(build(tmp_path, Contents(OURS.task_packages, requirements), print))


def test_what_would_be_elsewhere_on_this_machine_is_refused(requirements: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    # As one that has a wheel made of it without anything that is fetched.
    (library / "backend.py").write_text(BACKEND)
    (library / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    requirements.write_text("-e ./library\n")

    with pytest.raises(StackError, match=r"^requirements\.txt: shouting is editable \(-e\), .* name its folder alone"):
        build(tmp_path / "built", Contents(OURS.task_packages, requirements), print)

    requirements.write_text("./library\n")
    assert "shouting.py" in names_in(build(tmp_path / "built", Contents(OURS.task_packages, requirements), print))


@pytest.mark.parametrize("target", [None, Target("x86_64", this_version())], ids=["here", "lambda"])
def test_another_version_of_what_the_services_have_is_refused_and_leaves_nothing(
    requirements: Path, target: Target | None, tmp_path: Path
) -> None:
    other = wheel(tmp_path / "wheels", "pydantic", "0.1")
    requirements.write_text(f"./wheels/{other.name}\n")

    with pytest.raises(StackError, match=r"requirements\.txt asks for could not be installed") as refused:
        build(tmp_path / "built", Contents(OURS.task_packages, requirements), print, target=target)
    assert "pydantic" in refused.value.evidence
    assert list((tmp_path / "built").iterdir()) == []


def test_the_services_of_aws_that_task_types_call_are_described_in_it(directory: Path) -> None:
    names = names_in(build(directory, Contents(OURS.task_packages, aws_services=["s3"]), print))

    assert {name.split("/")[2] for name in names if name.startswith("botocore/data/") and name.count("/") > 2} == {
        "s3",
        "sqs",
    }


def test_a_service_that_aws_has_not_is_named_with_those_that_it_may_be(directory: Path) -> None:
    with pytest.raises(StackError, match=r"^aws_services: botocore knows no service 'dynamo' of AWS \(dynamodb\)\.$"):
        build(directory, Contents(OURS.task_packages, aws_services=["dynamo"]), print)


def test_a_package_that_is_not_there_is_named(directory: Path) -> None:
    with pytest.raises(StackError, match="there is no package 'no_such'"):
        build(directory, Contents(["no_such.tasks"]), print)


def test_it_is_built_for_another_machine(tmp_path: Path) -> None:
    package = build(tmp_path, OURS, print, target=Target("arm64", "3.13"))

    libraries = {name for name in names_in(package) if name.endswith(".so")}
    assert libraries
    assert all("aarch64" in name for name in libraries if "linux" in name)
    assert all("cpython-313" in name or "abi3" in name for name in libraries if "cpython" in name)
