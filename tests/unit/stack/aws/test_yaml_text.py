"""How the generated files are written."""

import yaml

from stack.aws.yaml_text import yaml_text


def test_what_stands_in_several_places_is_written_out_in_each() -> None:
    same = {"Ref": "Topic"}
    assert yaml_text("", {"A": same, "B": same}) == "A: {Ref: Topic}\nB: {Ref: Topic}\n"


def test_every_line_of_the_comment_stands_above_the_documents() -> None:
    text = yaml_text("First.\n\nThird.", {"z": 1, "a": 2}, {"b": 3})
    assert text.startswith("# First.\n#\n# Third.\n")
    assert list(yaml.safe_load_all(text)) == [{"z": 1, "a": 2}, {"b": 3}]


def test_the_order_is_that_of_the_code() -> None:
    assert yaml_text("", {"z": [1], "a": [2]}).index("z") < yaml_text("", {"z": [1], "a": [2]}).index("a")
