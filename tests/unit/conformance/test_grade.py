import dataclasses

import pytest

from conformance.case import Outcome, Requirement
from conformance.grade import PolicyError, grade, policy

POLICY = b"""
policy: p
version: "1"
must_pass: [must, E*]
weights: {default: 1, heavy: 9}
credit: {PASS: 1, WARN: 0.5, FAIL: 0}
bands: {A: 0.95, B: 0.9, C: 0.8, D: 0.7, E: 0.5}
caps: {WARN: B, FAIL: C}
undecided_at_most: 0.34
listable: [A, B, C]
"""


@pytest.fixture
def rules():
    return policy(POLICY)


def cases(make, **outcomes):
    runs = {}
    for name, outcome in outcomes.items():
        broken = (name,) if outcome in (Outcome.FAIL, Outcome.WARN) else ()
        runs[make.case(name)] = (make.run(outcome, *broken), make.run(outcome, *broken))
    return make.report(runs)


def test_all_passed_is_an_a(make, rules) -> None:
    found = grade(cases(make, must=Outcome.PASS, heavy=Outcome.PASS), rules)
    assert (found.letter, found.score, found.listable, found.policy) == ("A", 1.0, True, "p@1")
    assert found.policy_digest == policy(POLICY).digest


@pytest.mark.parametrize("name", ["must", "E3"])
def test_a_failed_must_refuses_whatever_the_score(make, rules, name) -> None:
    found = grade(cases(make, heavy=Outcome.PASS, **{name: Outcome.FAIL}), rules)
    assert found.letter == "refused"
    assert not found.listable
    assert name in found.reasons[0]["en"]
    assert name in found.reasons[0]["zh_CN"]


def test_a_warning_caps_the_letter_and_halves_its_mark(make, rules) -> None:
    found = grade(cases(make, must=Outcome.PASS, heavy=Outcome.PASS, light=Outcome.WARN), rules)
    assert (found.letter, found.score) == ("B", round(10.5 / 11, 4))


def test_a_failure_that_is_no_must_caps_at_c(make, rules) -> None:
    found = grade(cases(make, must=Outcome.PASS, heavy=Outcome.PASS, light=Outcome.FAIL), rules)
    assert (found.letter, found.score) == ("C", round(10 / 11, 4))


def test_nothing_shown_is_undecided_and_not_refused(make, rules) -> None:
    found = grade(cases(make, must=Outcome.INCONCLUSIVE, heavy=Outcome.PASS), rules)
    assert (found.letter, found.listable) == ("undecided", False)
    assert "must" in found.reasons[0]["en"]


def test_one_open_question_of_little_weight_is_borne(make, rules) -> None:
    found = grade(cases(make, must=Outcome.PASS, heavy=Outcome.PASS, light=Outcome.ERROR), rules)
    assert (found.letter, found.score) == ("A", 1.0)


def test_far_below_is_refused_by_score(make, rules) -> None:
    found = grade(cases(make, must=Outcome.PASS, heavy=Outcome.FAIL), rules)
    assert found.letter == "refused"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"policy: p", b"- p"),
        (b"E: 0.5", b"F: 0.5"),
        (b"A: 0.95", b"A: 0.1"),
        (b"default: 1", b"default: 0"),
        (b"caps:", b"cap:"),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused(old, new) -> None:
    with pytest.raises(PolicyError):
        policy(POLICY.replace(old, new))


def test_the_shipped_policy_can_be_read() -> None:
    shipped = policy()
    rule, promise = Requirement("B7", {}, {}, rule=True), Requirement("read.needed-only", {}, {})
    assert shipped.must(rule)
    assert shipped.must(promise)
    assert not shipped.must(Requirement("B7", {}, {}))
    assert (shipped.weight(rule), shipped.weight(promise)) == (4, 5)


def test_seeds_that_disagree_cap_the_letter_and_are_named(make, rules) -> None:
    flaky = make.report(
        {make.case("heavy"): (make.run(),), make.case("light"): (make.run(), make.run(Outcome.WARN, "light"))}
    )
    found = grade(flaky, dataclasses.replace(rules, flaky_at_best="D"))
    assert found.letter == "D"
    assert found.reasons[-1]["en"] == "flaky, the seeds disagree: light"


def test_a_seed_that_showed_nothing_disagrees_with_nobody(make) -> None:
    [case] = make.report({make.case("a"): (make.run(), make.run(Outcome.INCONCLUSIVE))}).cases
    assert not case.flaky
    assert case.outcome is Outcome.INCONCLUSIVE


def test_every_requirement_of_the_policy_exists_in_a_suite() -> None:
    from conformance import suites

    shipped = policy()
    known = [requirement for name in suites.names() for requirement in suites.load(name).requirements]
    for pattern in [*shipped.must_pass, *shipped.weights]:
        if pattern != "default":
            alone = dataclasses.replace(shipped, must_pass=(pattern,))
            assert any(alone.must(requirement) for requirement in known), pattern
