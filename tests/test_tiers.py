"""The two tiers of the tests: what a run leaves out, what it says of it, and the documentation."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tables import check_each
from tiers import MIN_EXAMPLES, QUICK_SHARE, TABLE_SHARE, everything, examples, share

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SLOW = "tests/test_killed.py"
LEFT_OUT = re.compile(r"Left out: (\d+) slow tests?")


def pytest_says(*arguments: str, **environment: str) -> tuple[int, str]:
    """Return the exit code and the output of pytest in a process of its own."""
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    ran = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "REQUIRED_IN_TESTS": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout + ran.stderr


def test_the_quick_tier_says_how_many_tests_it_left_out() -> None:
    """And how to run them; if nothing else is left, the run is no success."""
    code, said = pytest_says(SLOW)
    assert code == pytest.ExitCode.NO_TESTS_COLLECTED
    found = LEFT_OUT.search(said)
    assert found
    assert int(found[1]) > 5
    assert "`pytest --all`" in said


def test_the_quick_tier_does_not_import_files_of_slow_tests() -> None:
    """It says how many they are."""
    code, said = pytest_says("tests/clients")
    assert code == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "Left out: 2 files of slow tests. " in said


def test_a_test_that_is_named_by_its_id_runs() -> None:
    """A slow one too, and no other."""
    code, said = pytest_says("--collect-only", f"{SLOW}::test_no_acknowledged_write_is_lost")
    assert code == 0
    assert "1 test collected" in said
    assert "Left out" not in said


def test_all_leaves_nothing_out() -> None:
    """Neither slow tests nor PostgreSQL."""
    code, said = pytest_says("--collect-only", "--all", SLOW, "tests/test_damage.py")
    assert code == 0
    assert "[postgresql" in said
    assert "Left out" not in said
    assert "deselected" not in said


@pytest.mark.parametrize(
    "workers",
    [
        ["-n0"],
        pytest.param(["-n1"], marks=pytest.mark.slow),
        pytest.param(["-p", "no:xdist"], marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_a_run_that_requires_every_test_fails_if_one_is_deselected(workers: list[str]) -> None:
    """By whatever option, with workers or without; and the quick tier is no such run."""
    one = ("tests/dates/test_windows.py", *workers)
    code, said = pytest_says("--all", "-k", "no_such_test", *one, REQUIRED_IN_TESTS="node")
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "REQUIRED_IN_TESTS allows no test to be deselected" in said
    code, said = pytest_says(*one, REQUIRED_IN_TESTS="node")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "REQUIRED_IN_TESTS needs --all" in said


def test_the_tiers_and_their_markers_are_documented(pytestconfig: pytest.Config) -> None:
    """Each registered marker has its row, and each row its marker."""
    section = CONTRIBUTING.split("\n## Tests\n")[1].split("\n## ")[0]
    own = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("markers = [")[1]
    registered = re.findall(r'^    "(\w+): ', own.split("\n]")[0], re.MULTILINE)
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == registered
    assert "`pytest --all`" in section
    assert "--strict-markers" in pytestconfig.getini("addopts")


def test_the_quick_tier_draws_fewer_random_cases() -> None:
    """Never none, and never more than were asked for."""
    for number in (1, MIN_EXAMPLES, 100, 600):
        assert 0 < examples(number) <= number
    assert examples(600) == (600 if everything() else 600 // QUICK_SHARE)


def test_the_quick_tier_tries_every_case_of_a_table_that_is_shared() -> None:
    """In one of the tests of that table, and under `--all` in each of them."""
    tried = [share(range(12), start) for start in range(TABLE_SHARE)]
    assert sorted({case for cases in tried for case in cases}) == [*range(12)]
    assert sum(map(len, tried)) == (12 * TABLE_SHARE if everything() else 12)


def test_a_table_reports_every_wrong_case() -> None:
    """With the reason for each; a table without a case proves nothing."""

    def check(number: int) -> None:
        assert number % 2 == 0, f"{number} is odd"
        assert 6 // number

    with pytest.raises(AssertionError) as caught:
        check_each([1, 2, 3, 0], check)
    said = str(caught.value)
    assert said.startswith("3 of 4 cases fail:\n")
    for reason in ("1 is odd", "3 is odd", "ZeroDivisionError"):
        assert reason in said
    with pytest.raises(AssertionError, match="no case"):
        check_each([], check)


def test_a_table_that_is_interrupted_names_the_case() -> None:
    """As when the time for one test is over."""

    def check(number: int) -> None:
        if number == 2:
            pytest.fail("Timeout")

    with pytest.raises(pytest.fail.Exception) as caught:
        check_each([1, 2, 3], check)
    assert caught.value.__notes__ == ["at the case 2"]
