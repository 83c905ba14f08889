"""How the generated files are written."""

import yaml

from stack.aws.rendered_yaml import as_yaml


def test_what_stands_in_several_places_is_written_out_in_each() -> None:
    same = {"Ref": "Topic"}
    assert as_yaml("", {"A": same, "B": same}) == "A: {Ref: Topic}\nB: {Ref: Topic}\n"


def test_every_line_of_the_comment_stands_above_the_documents() -> None:
    text = as_yaml("First.\n\nThird.", {"z": 1, "a": 2}, {"b": 3})
    assert text.startswith("# First.\n#\n# Third.\n")
    assert list(yaml.safe_load_all(text)) == [{"z": 1, "a": 2}, {"b": 3}]


def test_the_order_is_that_of_the_code() -> None:
    assert as_yaml("", {"z": [1], "a": [2]}).index("z") < as_yaml("", {"z": [1], "a": [2]}).index("a")
