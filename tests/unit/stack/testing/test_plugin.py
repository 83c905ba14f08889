"""The plugin in projects of authors: what their conftest.py and pyproject.toml say, and what their reports show."""

import shutil

import pytest

from stack.config import ROOT

pytest_plugins = ["pytester"]

PROJECT = ROOT / "examples" / "own_task_types"

IN_MEMORY = """
from services.task_types import TaskContext, TaskItem, TaskType
from stack.testing import run_task

async def run(item, context):
    raise RuntimeError("the task's reason")

TASK_TYPE = TaskType(name="shop", route="/v1/shop", summary="Shop", item=TaskItem, run=run, example=[])

{mark}
async def test_it():
    failed = await run_task(TASK_TYPE, [{{"name": "a"}}])
    assert failed.results == [{{"a": 1}}]
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder from which pytest is started as in an author's project; nothing of this run's is in its environment."""
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST", "TASK_PACKAGES", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", f".:{ROOT}")
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-W", "error", "-p", "no:schemathesis", *arguments)


def test_the_tests_of_the_example_pass_in_its_own_folder(project: pytest.Pytester) -> None:
    shutil.copytree(PROJECT, project.path, dirs_exist_ok=True)

    run(project, "-m", "not stack").assert_outcomes(passed=12, deselected=3)


def test_it_may_be_loaded_by_name_and_imported_by_the_conftest_that_names_it_too(project: pytest.Pytester) -> None:
    shutil.copytree(PROJECT, project.path, dirs_exist_ok=True)
    conftest = 'from stack.testing import run_task\n\npytest_plugins = ["stack.testing"]\n'
    (project.path / "conftest.py").write_text(conftest)

    run(project, "-p", "stack.testing", "tests/test_broken_links.py").assert_outcomes(passed=6)


@pytest.mark.parametrize(
    ("mode", "mark"), [("auto", ""), ("strict", "import pytest\n@pytest.mark.asyncio")], ids=["auto", "strict"]
)
def test_the_report_of_a_test_that_fails_says_why_its_task_did_in_either_mode_of_pytest_asyncio(
    project: pytest.Pytester, mode: str, mark: str
) -> None:
    project.makeconftest('pytest_plugins = ["stack.testing"]')
    project.makepyfile(IN_MEMORY.format(mark=mark))

    result = run(project, "-o", f"asyncio_mode={mode}", "-o", "asyncio_default_fixture_loop_scope=function")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*attempt failed*attempt=1*",
            '    raise RuntimeError("the task\'s reason")',
            '*dead-lettered*attempts=3*reason="RuntimeError: the task\'s reason"*',
        ]
    )


def test_what_is_wrong_with_a_task_is_shown_where_the_test_posts_it(project: pytest.Pytester) -> None:
    project.makeconftest('pytest_plugins = ["stack.testing"]')
    project.makepyfile(IN_MEMORY.format(mark="").replace('{"name": "a"}', '{"nam": "a"}'))

    result = run(project, "-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")

    result.stdout.fnmatch_lines([">*await run_task(TASK_TYPE, *", "E*TaskRefusedError: The API answers 422:"])
    result.stdout.fnmatch_lines(["E *message.0.name: Field required"])
    result.stdout.no_fnmatch_line("*in_memory.py:*: in run_task")


def test_who_has_set_structlog_up_keeps_that(project: pytest.Pytester) -> None:
    project.makeconftest(
        "import structlog\nstructlog.configure(processors=[structlog.processors.JSONRenderer()])\n"
        'pytest_plugins = ["stack.testing"]\n'
    )
    project.makepyfile(
        """
        import structlog

        def test_it(capsys):
            structlog.get_logger().info("mine")
            assert capsys.readouterr().out == '{"event": "mine"}\\n'
        """
    )

    run(project, "-o", "asyncio_default_fixture_loop_scope=function").assert_outcomes(passed=1)


def test_the_tests_that_need_a_stack_can_be_left_out_and_chosen(project: pytest.Pytester) -> None:
    project.makeconftest(
        'import pytest\npytest_plugins = ["stack.testing"]\n@pytest.fixture\ndef mine(stack):\n    return stack\n'
    )
    project.makepyfile("def test_fast(): pass\ndef test_slow(stack): pass\ndef test_slow_too(mine): pass\n")
    options = ("-o", "asyncio_default_fixture_loop_scope=function", "--strict-markers")

    run(project, *options, "-m", "not stack").assert_outcomes(passed=1, deselected=2)
    run(project, *options, "-m", "stack", "--collect-only").stdout.fnmatch_lines(["*2/3 tests collected*"])


ON_A_STACK = """
def test_it(stack):
    pass
"""


def test_a_stack_that_cannot_start_is_an_error_that_says_why(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODE", "swarm")
    project.makepyfile(ON_A_STACK)

    result = run(project, "-p", "stack.testing", "-o", "asyncio_default_fixture_loop_scope=function")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E*MODE=swarm is not a mode: use MODE=native, MODE=containers or MODE=lambda*"])


def test_a_stack_that_is_to_be_up_and_is_not_is_an_error_that_says_so(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODE", "native")
    monkeypatch.setenv("STACK_DIR", str(project.path / "nowhere"))
    project.makepyfile(ON_A_STACK)

    result = run(project, "-p", "stack.testing", "--running-stack", "-o", "asyncio_default_fixture_loop_scope=function")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E*The stack is not up: `make up` starts it."])
