from conformance import observe
from conformance.observe import Source
from conformance.workflow import Node, Order

ORDER = Order({"check": Node("check", "d.i", "check", ()), "write": Node("write", "d.i", "write", ("check",))})
NEEDS = {"d.i": {"check": ("A", "B"), "write": ("C",)}}


def test_reading_is_held_against_need(make) -> None:
    calls = [make.call("check", 200, "A", "X"), make.call("check", 200, "A"), make.call("other", 200, "Y")]
    check, other = observe.readings(calls, NEEDS, ORDER)
    assert (check.calls, check.read, check.unneeded, check.in_process) == (2, ("A", "X"), ("X",), True)
    assert (other.unneeded, other.in_process) == (("Y",), False)


def test_the_fields_of_a_refusal_are_not_reading(make) -> None:
    [reading] = observe.readings([make.call("check", 422, "detail")], NEEDS, ORDER)
    assert reading.read == ()


def test_an_answer_must_rest_on_what_was_asked(make) -> None:
    sources = [Source("d.i", "check", "A"), Source("d.i", "check", "B")]
    assert observe.ungrounded(sources, [make.call("check", 200, "A")]) == (sources[1],)
    assert observe.ungrounded(sources, []) == tuple(sources)
    assert observe.ungrounded(sources, [make.call("check", 404)]) == ()
    assert observe.ungrounded(sources, [make.call("check", 503)]) == tuple(sources)


def test_sources_are_read_from_the_rules() -> None:
    source = Source.parse("civil-affairs.marriages#verifyMarriage/response/ZT")
    assert source == Source("civil-affairs.marriages", "verifyMarriage", "ZT")
    assert Source.parse("application/newborn/CSRQ") is None


def test_order_is_judged_launch_by_launch(make) -> None:
    record = [
        make.recorded(make.call("check"), "a"),
        make.recorded(make.call("write", 201), "b"),
        make.recorded(make.call("write", 201), "a"),
    ]
    [(item, breach)] = observe.breaches(record, ORDER)
    assert (item.launch, breach.missing) == ("b", ("check",))


def test_personal_data_in_addresses_are_found(make) -> None:
    record = [
        make.recorded(make.call("check"), url="/checks?XM=%E9%92%B1%E6%80%9D%E6%BA%90"),
        make.recorded(make.call("check"), url="/checks/160101199507240028"),
        make.recorded(make.call("check"), url="/institutions/129099010099100195?fields=A"),
    ]
    assert observe.personal_in_urls(record, ["钱思源"]) == (record[0], record[1])


def test_an_institution_code_of_digits_only_is_no_citizen_number(make) -> None:
    record = [make.recorded(make.call("check"), url="/institutions/129099010099100195")]
    assert observe.personal_in_urls(record, []) == ()


def test_the_same_key_again_is_no_doubling_another_key_is(make) -> None:
    writes = frozenset({("d.i", "write")})
    first = make.recorded(make.call("write", 201, request={"a": 1}), key="one")
    again = make.recorded(make.call("write", 201, request={"a": 1}), key="one")
    anew = make.recorded(make.call("write", 409, request={"a": 1}), key="two")
    elsewhere = make.recorded(make.call("write", 201, request={"a": 1}), launch="m", key="three")
    assert observe.doubled([first, again, elsewhere], writes) == ()
    assert observe.doubled([first, anew], writes) == (anew,)
