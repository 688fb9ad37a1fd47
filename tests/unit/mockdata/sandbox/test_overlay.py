from mockdata.sandbox.overlay import Overlay


def test_records_are_created_replaced_and_deleted():
    overlay = Overlay()
    overlay.put("x.y", "/things", "1", {"name": "one"})
    overlay.put("x.y", "/things", "2", {"name": "two"})
    overlay.put("x.y", "/things", "1", {"name": "uno"})
    assert [record.id for record in overlay.records("x.y", "/things").values()] == ["1", "2"]
    assert overlay.get("x.y", "/things", "1").value == {"name": "uno"}
    overlay.delete("x.y", "/things", "1")
    assert overlay.get("x.y", "/things", "1").deleted
    assert overlay.get("x.y", "/things", "3") is None
    assert overlay.get("x.z", "/things", "2") is None


def test_find_gives_the_latest_live_record():
    overlay = Overlay()
    overlay.put("x.y", "/a", "1", {"n": 1, "m": "old"})
    overlay.put("x.y", "/b", "2", {"n": 1, "m": "new"})
    assert overlay.find("x.y", ["n"], [1]).value["m"] == "new"
    assert overlay.find("x.y", ["n", "m"], [1, "old"]).id == "1"
    overlay.delete("x.y", "/b", "2")
    assert overlay.find("x.y", ["n"], [1]).value["m"] == "old"
    assert overlay.find("x.y", ["n"], [2]) is None


def test_a_snapshot_is_not_touched_by_later_writes():
    overlay = Overlay()
    overlay.put("x.y", "/a", "1", {"n": 1})
    overlay.remember(("k",), "answer")
    assert overlay.count("c") == 1
    before = overlay.snapshot()
    overlay.put("x.y", "/a", "1", {"n": 2})
    overlay.delete("x.y", "/a", "2")
    overlay.count("c")
    overlay.restore(before)
    assert overlay.get("x.y", "/a", "1").value == {"n": 1}
    assert overlay.get("x.y", "/a", "2") is None
    assert overlay.answered(("k",)) == "answer"
    assert overlay.count("c") == 2
    overlay.reset()
    assert overlay.get("x.y", "/a", "1") is None
    assert overlay.answered(("k",)) is None


def test_a_written_value_cannot_be_changed_from_outside():
    overlay, value = Overlay(), {"n": 1}
    overlay.put("x.y", "/a", "1", value)
    value["n"] = 2
    assert overlay.get("x.y", "/a", "1").value["n"] == 1
