"""What is left of the logs of containers that were removed."""

from pathlib import Path

from stack.containers import kept_logs
from stack.containers.kept_logs import FILES, MOST_BYTES, append, read
from stack.logs.line import RawLine

TIME = "2026-11-24T14:04:16.100000000Z"
LIVING = [[RawLine("api", "three", 3.0), RawLine("worker-data", "four", 4.0)]]


def keep(directory: Path, instance: str, *texts: str) -> Path:
    file = directory / "container-logs" / f"{instance}.log"
    file.parent.mkdir(exist_ok=True)
    append(file, "".join(f"{instance} | {TIME} {text}\n" for text in texts).encode())
    return file


def texts(directory: Path, service: str | None = None, last: int | None = None) -> list[tuple[str, str]]:
    batches = read(directory, service, LIVING, last=last)
    return [(line.service, line.text) for batch in batches for line in batch]


def test_what_removed_containers_said_comes_before_what_the_living_say(tmp_path: Path) -> None:
    keep(tmp_path, "api-1", "one")
    keep(tmp_path, "api-1", "two")

    assert texts(tmp_path) == [("api", "one"), ("api", "two"), ("api", "three"), ("worker-data", "four")]


def test_without_kept_logs_the_living_have_all(tmp_path: Path) -> None:
    assert texts(tmp_path) == [("api", "three"), ("worker-data", "four")]


def test_the_last_lines_of_a_log_are_of_the_living_first(tmp_path: Path) -> None:
    keep(tmp_path, "api-1", "one", "two")
    keep(tmp_path, "receiver-1", "early", "late")

    assert texts(tmp_path, last=2) == [
        ("api", "two"),
        ("api", "three"),
        ("receiver", "early"),
        ("receiver", "late"),
        ("worker-data", "four"),
    ]


def test_of_one_service_all_copies_are_kept_and_no_others(tmp_path: Path) -> None:
    keep(tmp_path, "worker-data-1", "first")
    keep(tmp_path, "worker-data-2", "second")
    keep(tmp_path, "worker-data-extra-1", "another's")

    assert texts(tmp_path, "worker-data")[:-2] == [("worker-data", "first"), ("worker-data-2", "second")]


def test_a_log_is_bounded_and_loses_its_oldest_lines(tmp_path: Path) -> None:
    lines = [f"{number:02}".ljust(MOST_BYTES // 10, ".") for number in range(10 * FILES + 5)]
    for line in lines:
        file = keep(tmp_path, "api-1", line)
    keep(tmp_path, "api-1", *lines)

    kept = sorted(file.parent.iterdir())
    assert [each.name for each in kept] == ["api-1.log", "api-1.log.1", "api-1.log.2"]
    assert all(each.stat().st_size <= MOST_BYTES for each in kept)
    numbers = [int(text[:2]) for service, text in texts(tmp_path) if service == "api" and text != "three"]
    assert numbers == list(range(len(lines)))[-len(numbers) :]
    assert len(numbers) > 10 * (FILES - 1) - FILES


def test_a_disk_that_takes_no_more_is_reported_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "container-logs").write_text("a file is in the way")
    reported: list[str] = []

    kept_logs.keep([], tmp_path, reported.append)

    assert len(reported) == 1
    assert reported[0].startswith("The logs of the containers that are removed cannot be kept: ")
