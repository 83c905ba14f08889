"""Programs as processes: what they use, and how they are stopped."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.errors import BenchError
from bench.processes import cpu_seconds_of, running

ECHO = "import sys\nfor line in sys.stdin: print(line.strip()[::-1], flush=True)"
BURN = (
    "import time\ninput()\nwhile time.process_time() < 0.3: pass\nprint(bytearray(60_000_000)[0], flush=True)\ninput()"
)
CHILD = (
    "import subprocess, sys\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "input()\nprint(child.pid, flush=True)\ninput()"
)


def command(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_program_is_asked_and_answers(tmp_path: Path) -> None:
    with running("echo", command(ECHO), {}, tmp_path / "log", pipes=True) as process:
        assert process.ask("abc") == "cba\n"


def test_cpu_time_and_the_peak_of_memory_are_counted(tmp_path: Path) -> None:
    with running("burn", command(BURN), {}, tmp_path / "log", pipes=True) as process:
        process.ask("")
        usage = process.usage()
    assert usage.cpu_seconds >= 0.3
    assert usage.peak_bytes >= 60_000_000


def test_a_paused_program_answers_when_it_goes_on(tmp_path: Path) -> None:
    with running("echo", command(ECHO), {}, tmp_path / "log", pipes=True) as process:
        process.ask("up")
        process.pause()
        stopped = os.waitid(os.P_PID, pid_of(ECHO), os.WSTOPPED)
        assert stopped is not None
        assert stopped.si_status == signal.SIGSTOP
        process.resume()
        assert process.ask("ab") == "ba\n"


def test_children_end_with_their_parent(tmp_path: Path) -> None:
    with running("parent", command(CHILD), {}, tmp_path / "log", pipes=True) as process:
        child = psutil.Process(int(process.ask("")))
    child.wait(timeout=10)
    assert not child.is_running()


def test_a_program_that_has_ended_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    with (
        running("broken", command("raise SystemExit('no queue')"), {}, tmp_path / "log", pipes=True) as process,
        pytest.raises(BenchError, match="no queue"),
    ):
        process.ask("anything")


def test_no_setting_of_the_shell_reaches_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_CONCURRENCY", "1")
    code = "import os\ninput()\nprint(os.environ.get('WORKER_CONCURRENCY'), os.environ['GIVEN'], flush=True)\ninput()"
    with running("program", command(code), {"GIVEN": "yes"}, tmp_path / "log", pipes=True) as process:
        assert process.ask("") == "None yes\n"


def pid_of(code: str) -> int:
    """The process that runs the code."""
    (process,) = [each for each in psutil.Process().children() if each.cmdline()[-1] == code]
    return process.pid


def test_the_cpu_time_of_a_process_is_finer_than_the_ticks_of_proc() -> None:
    before = cpu_seconds_of(os.getpid())
    used = time.process_time()
    after = cpu_seconds_of(os.getpid())
    assert before < used < after


def test_the_cpu_time_of_no_process_is_an_error() -> None:
    ended = subprocess.Popen(command(""))  # noqa: S603
    ended.wait()
    with pytest.raises(ProcessLookupError):
        cpu_seconds_of(ended.pid)
