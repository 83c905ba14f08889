import sys
from pathlib import Path

import pytest

from stack.interpreter import environment_beside


@pytest.mark.parametrize("prefix", ["/clone/.venv", "/clone/.venv.made-3.11.7-1427909439"])
def test_environments_beside_this_one_are_the_same_by_whichever_path_it_was_started(
    prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", prefix)

    assert environment_beside("localstack") == Path("/clone/.venv-localstack")
