import pytest

from conformance.workflow import Node, Order, ProcessError


@pytest.fixture
def order() -> Order:
    nodes = [
        Node("check", "d.i", "check", ()),
        Node("issue", "d.i", "issue", ("check",)),
        Node("register", "d.i", "register", ("issue",)),
        Node("enrol", "d.i", "enrol", ("register",)),
        Node("claim", "d.i", "claim", ("issue",)),
    ]
    return Order({node.id: node for node in nodes})


def test_sequence_and_downstream(order: Order) -> None:
    assert order.sequence() == ("check", "issue", "register", "enrol", "claim")
    assert order.downstream("register") == {"enrol"}
    assert order.downstream("issue") == {"register", "enrol", "claim"}


def test_an_order_that_is_kept_breaks_nothing(order, make) -> None:
    calls = [make.call(name, 201) for name in ("check", "issue", "claim", "register", "enrol")]
    assert order.breaches(calls) == ()
    assert order.done(calls) == set(order.nodes)


def test_a_call_before_its_need_is_found_with_what_it_needs(order, make) -> None:
    calls = [make.call("check"), make.call("issue", 201), make.call("enrol", 409), make.call("register", 201)]
    [breach] = order.breaches(calls)
    assert (breach.position, breach.step, breach.missing) == (2, "enrol", ("register",))


def test_a_failed_need_does_not_count(order, make) -> None:
    [breach] = order.breaches([make.call("check", 503), make.call("issue", 201)])
    assert breach.missing == ("check",)


def test_a_circle_is_no_process() -> None:
    with pytest.raises(ProcessError, match="circle"):
        Order({"a": Node("a", "i", "a", ("b",)), "b": Node("b", "i", "b", ("a",))}).sequence()


def test_the_published_process_is_the_dag_of_the_scenario() -> None:
    from specs import library

    order = Order.of(library.matter("newborn").process)
    needs = {name: set(node.needs) for name, node in order.nodes.items()}
    assert needs["N2"] == {"N1", "N0-mother", "N0-father", "N0-institution"}
    assert (needs["N3"], needs["N7"], needs["N8"], needs["N4"]) == ({"N2"}, {"N2"}, {"N2"}, {"N3"})
    assert order.downstream("N3") == {"N4", "N5", "N6"}
