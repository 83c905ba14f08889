"""What a flame graph says of each function's own time."""

import pytest

from bench.flame_graph import OwnTime, own_times, table


def graph(*frames: tuple[str, int, int, int]) -> str:
    """An SVG as py-spy writes it, of frames: function, depth, begin and width."""
    groups = "".join(
        f"<g><title>{function} ({width} samples, 1.00%)</title>"
        f'<rect x="0%" y="{100 + 16 * depth}" fg:x="{begin}" fg:w="{width}"/><text/></g>'
        for function, depth, begin, width in frames
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:fg="http://github.com/jonhoo/inferno">'
        f"<title>py-spy</title><svg>{groups}</svg></svg>"
    )


def test_a_functions_own_time_is_what_its_callees_leave() -> None:
    svg = graph(("all", 0, 0, 10), ("run (a.py:1)", 1, 0, 10), ("b (b.py:1)", 2, 0, 3), ("c (b.py:2)", 2, 3, 6))

    assert own_times(svg) == [
        OwnTime("c (b.py:2)", 6, 0.6),
        OwnTime("b (b.py:1)", 3, 0.3),
        OwnTime("run (a.py:1)", 1, 0.1),
    ]


def test_a_function_is_one_wherever_it_is_called() -> None:
    svg = graph(
        ("all", 0, 0, 8), ("a (a:1)", 1, 0, 4), ("c (c:1)", 2, 1, 3), ("b (b:1)", 1, 4, 4), ("c (c:1)", 2, 4, 1)
    )

    assert {own.function: own.samples for own in own_times(svg)} == {"c (c:1)": 4, "b (b:1)": 3, "a (a:1)": 1}


def test_the_order_of_the_frames_in_the_file_does_not_matter() -> None:
    frames = (("all", 0, 0, 10), ("a (a:1)", 1, 0, 6), ("b (b:1)", 2, 0, 6), ("c (c:1)", 1, 6, 4))

    assert own_times(graph(*frames)) == own_times(graph(*reversed(frames)))


def test_what_imports_take_is_left_out_of_the_shares() -> None:
    svg = graph(
        ("all", 0, 0, 10),
        ("&lt;module&gt; (a.py:1)", 1, 0, 8),
        ("_find_and_load (&lt;frozen importlib._bootstrap&gt;:1)", 2, 0, 8),
        ("compile (b.py:1)", 3, 0, 8),
        ("run (a.py:9)", 1, 8, 2),
    )

    assert own_times(svg) == [OwnTime("run (a.py:9)", 2, 1.0)]


def test_nothing_sampled_is_nothing() -> None:
    assert own_times(graph()) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is no SVG"),
        (graph().replace("</svg></svg>", "<g><title>Search</title><rect/></g></svg></svg>"), "Search"),
    ],
)
def test_what_is_no_flame_graph_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        own_times(text)


def test_the_table_has_a_line_for_each_function() -> None:
    assert table([OwnTime("fetch (services/tasks/data.py:53)", 1234, 0.5), OwnTime("b (b.py:1)", 5, 0.002)]) == [
        "  share  samples  function",
        "  50.0%     1234  fetch (services/tasks/data.py:53)",
        "   0.2%        5  b (b.py:1)",
    ]
