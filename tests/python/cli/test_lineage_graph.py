"""A trace as a picture."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from fsxn_runtime.cli.lineage_graph import svg, visible
from fsxn_runtime.cli.main import main
from fsxn_runtime.edge.clients import forget_clients
from fsxn_runtime.lineage import Edge, LineageSettings, LineageStatus, LineageTracker, Trace
from hypothesis import given
from hypothesis import strategies as st

from tests.support.lineage_records import lineage_record
from tests.support.lineage_table import create_lineage_table

SVG = "{http://www.w3.org/2000/svg}"
names = st.text(min_size=1, max_size=120)


def boxes(picture):
    """Title, lines of text, and (x, y, width, height) of each box."""
    root = ElementTree.fromstring(picture)
    for group in root.iter(f"{SVG}g"):
        frame = group.find(f"{SVG}rect")
        place = tuple(float(frame.get(name)) for name in ("x", "y", "width", "height"))
        lines = [each.text or "" for each in group.findall(f"{SVG}text")]
        yield group.find(f"{SVG}title").text, lines, place


def ways(picture):
    return [path for path in ElementTree.fromstring(picture).iter(f"{SVG}path") if path.get("class") == "way"]


@st.composite
def traces(draw):
    """Any edges, whether they hang together or not: names from few, so that circles come up too."""
    pool = st.sampled_from(draw(st.lists(names, min_size=1, max_size=5)))
    edges = st.builds(
        Edge,
        record=st.builds(
            lineage_record, source_file_key=pool, uc_id=names, work_key=pool, reason=st.none() | names
        ),
        output=st.none() | pool,
        steps=st.integers(1, 4),
        is_upstream=st.booleans(),
    )
    return Trace(draw(pool), tuple(draw(st.lists(edges, max_size=8))), draw(st.booleans()))


@given(traces())
def test_any_names_make_valid_xml_in_which_no_box_covers_another(trace):
    picture = svg(trace)
    places = [place for _, _, place in boxes(picture)]
    root = ElementTree.fromstring(picture)
    for number, (x, y, width, height) in enumerate(places):
        assert x >= 0
        assert y >= 0
        assert x + width <= float(root.get("width"))
        assert y + height <= float(root.get("height"))
        for other_x, other_y, _, other_height in places[:number]:
            assert x != other_x or y + height <= other_y or other_y + other_height <= y


@given(traces())
def test_every_file_and_output_has_a_box_that_tells_its_whole_name(trace):
    titles = [title for title, _, _ in boxes(svg(trace))]
    wanted = {trace.thing, *(edge.record.source_file_key for edge in trace.edges)}
    wanted |= {edge.output for edge in trace.edges if edge.output is not None}
    shown = {visible(name).removeprefix("/") for name in wanted}
    assert shown <= {title.removeprefix("/") if title else "" for title in titles} | {""}


@given(names)
def test_no_name_is_wider_than_its_box(name):
    [(_, lines, _)] = boxes(svg(Trace(name, (), False)))
    assert len(lines) <= 2
    assert all(len(line) <= 34 for line in lines)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/a\x1b[2Jb", r"/a\u001b[2Jb"),
        ("/a\u202efdp.exe", r"/a\u202efdp.exe"),
        ("/a\udcffb", r"/a\udcffb"),
        ("/a\nb", r"/a\u000ab"),
        ('/<script>&"', '/<script>&"'),
    ],
)
def test_what_hides_or_disguises_is_shown_as_an_escape(name, shown):
    assert [title for title, _, _ in boxes(svg(Trace(name, (), False)))] == [shown]


def test_a_name_that_is_too_long_keeps_begin_and_end():
    [(title, lines, _)] = boxes(svg(Trace("/vol1/" + "x" * 200 + "/report.pdf", (), False)))
    assert "".join(lines).startswith("/vol1/")
    assert "".join(lines).endswith("/report.pdf")
    assert len(title) == 217


def test_wide_characters_take_two_columns():
    [(_, lines, _)] = boxes(svg(Trace("漢" * 30, (), False)))
    assert [len(line) for line in lines] == [17, 13]


def test_columns_go_from_inputs_over_executions_to_outputs():
    made = lineage_record(source_file_key="/vol1/scan.tif", work_key="1", output_keys=("vol1/a.pdf",))
    read = lineage_record(source_file_key="/vol1/a.pdf", work_key="2", output_keys=("out/1", "out/2"))
    trace = Trace(
        "/vol1/a.pdf",
        (
            Edge(made, "vol1/a.pdf", 1, True),
            Edge(read, "out/1", 1, False),
            Edge(read, "out/2", 1, False),
        ),
        False,
    )
    picture = svg(trace)
    in_order = sorted(boxes(picture), key=lambda box: box[2][:2])
    told = [lines[0] for _, lines, _ in in_order]
    assert told == [
        "/vol1/scan.tif",
        "inventory process",
        "/vol1/a.pdf",
        "inventory process",
        "out/1",
        "out/2",
    ]
    assert len(ways(picture)) == 5


def test_what_did_not_succeed_says_why_and_has_another_frame():
    failed = lineage_record(status=LineageStatus.FAILED, reason="timed_out", output_keys=())
    picture = svg(Trace("/vol1/legal/a.pdf", (Edge(failed, None, 1, False),), False))
    assert "failed (timed_out)" in picture
    assert 'class="stopped"' in picture


def test_nothing_known_and_more_to_come_are_told():
    assert "nothing is known of it" in svg(Trace("/x", (), False))
    assert "and more: give a higher --limit" in svg(Trace("/x", (), True))


@pytest.fixture
def table(emulator, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    monkeypatch.setenv("LINEAGE_TABLE", "graph")
    forget_clients()
    create_lineage_table(emulator.client("dynamodb"), "graph")
    yield LineageTracker(LineageSettings("graph", 0, "Test"))
    emulator.client("dynamodb").delete_table(TableName="graph")
    forget_clients()


def test_the_command_writes_the_picture_of_what_the_table_knows(table, tmp_path):
    table.record(lineage_record(source_file_key="/vol1/<a&b>.pdf", output_keys=("out/a.json",)))
    file = tmp_path / "trace.svg"
    assert main(["lineage", "trace", "out/a.json", "--svg", str(file)]) == 0
    titles = [title for title, _, _ in boxes(file.read_text())]
    assert titles[0] == "out/a.json"
    assert "/vol1/<a&b>.pdf" in titles


def test_a_picture_that_cannot_be_written_is_said_with_words(table, capsys):
    assert main(["lineage", "trace", "out/a.json", "--svg", "/nowhere/trace.svg"]) == 2
    assert "the picture cannot be written: " in capsys.readouterr().err
