"""How LocalStack is started where it runs the functions."""

from pathlib import Path

from function_runtime import LONGEST_INIT_SECONDS

from stack.config import StackSettings
from stack.functions.workforce import Functions
from stack.native.program import Program
from stack.status import LOCALSTACK


def localstack() -> Program:
    settings = StackSettings("lambda", directory=Path("/stack"))
    return next(each for each in Functions().programs(settings, "", iter([])) if each.name == LOCALSTACK)


def test_localstack_lets_an_init_take_as_long_as_the_function_itself_is_given() -> None:
    assert float(localstack().environment["LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT"]) > LONGEST_INIT_SECONDS
