"""Which files a project's requirements are: by all of them it is known whether what they ask for is installed."""

from pathlib import Path

from stack.requirement_files import requirement_files


def test_a_file_is_itself_and_what_it_includes_and_what_that_does_as_seen_from_each(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "requirements.txt").write_text("one\n-r more/base.txt\n  --constraint=limits.txt  # why\n")
    (tmp_path / "more" / "base.txt").write_text("two\n--requirement  deep.txt\n-r ../requirements.txt\n")
    (tmp_path / "more" / "deep.txt").write_text("three-r four\n# -r no.txt\n-c ../limits.txt\n")
    (tmp_path / "limits.txt").write_text("one<2\n")

    assert [str(each.relative_to(tmp_path)) for each in requirement_files(tmp_path / "requirements.txt")] == [
        "requirements.txt",
        "more/base.txt",
        "more/deep.txt",
        "limits.txt",
    ]


def test_what_is_not_there_or_elsewhere_is_left_to_who_installs_it(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    assert requirement_files(file) == []

    file.write_text("-r nowhere.txt\n-r https://acme.example/requirements.txt\n")
    assert requirement_files(file) == [file]
