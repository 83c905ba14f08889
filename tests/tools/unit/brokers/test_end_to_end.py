"""What the end-to-end suite on a broker has come to is read from what pytest leaves."""

import pytest

from tests.brokers.end_to_end import Outcome, outcome_of
from tests.end_to_end.not_asked import LINE_START

PASSED = '<testcase name="a"/>'
FAILED = '<testcase name="b"><failure message="no"/></testcase>'
SKIPPED = '<testcase name="c"><skipped message="why"/></testcase>'


def outcome(*cases: str, exit_code: int = pytest.ExitCode.OK) -> Outcome:
    report = f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"
    return outcome_of("moto", report, f"{LINE_START}it does not show its messages\n", exit_code)


@pytest.mark.parametrize(
    ("read", "is_good"),
    [
        (outcome(PASSED, PASSED), True),
        (outcome(PASSED, FAILED, exit_code=pytest.ExitCode.TESTS_FAILED), False),
        (outcome(PASSED, SKIPPED), False),
        (outcome(), False),
        (outcome(PASSED, exit_code=pytest.ExitCode.INTERRUPTED), False),
        (outcome(PASSED, exit_code=-9), False),
        (outcome_of("moto", "", "", pytest.ExitCode.USAGE_ERROR), False),
    ],
)
def test_a_suite_is_good_when_it_came_to_its_end_and_all_of_it_passed(read: Outcome, is_good: bool) -> None:  # noqa: FBT001
    assert read.is_good is is_good


def test_the_numbers_and_what_was_not_asked_are_told() -> None:
    read = outcome(PASSED, PASSED, FAILED, SKIPPED, exit_code=pytest.ExitCode.TESTS_FAILED)

    assert (read.passed, read.failed, read.skipped) == (2, 1, 1)
    assert read.not_asked == ["it does not show its messages"]
