import pytest

from conformance.case import Outcome
from conformance.comparison import compare


def test_every_case_is_put_where_it_belongs(make) -> None:
    runs = {
        "repaired": (Outcome.FAIL, Outcome.PASS),
        "better": (Outcome.FAIL, Outcome.WARN),
        "worse": (Outcome.PASS, Outcome.FAIL),
        "warned": (Outcome.PASS, Outcome.WARN),
        "same": (Outcome.FAIL, Outcome.FAIL),
        "good": (Outcome.PASS, Outcome.PASS),
        "silent": (Outcome.FAIL, Outcome.INCONCLUSIVE),
        "new fault after silence": (Outcome.INCONCLUSIVE, Outcome.FAIL),
        "fine after silence": (Outcome.ERROR, Outcome.PASS),
    }
    before, after = ({make.case(name): (make.run(pair[i]),) for name, pair in runs.items()} for i in (0, 1))
    before |= {make.case("gone"): (make.run(),)}
    after |= {make.case("added"): (make.run(),), make.case("wavering"): (make.run(), make.run(Outcome.FAIL))}
    before |= {make.case("wavering"): (make.run(), make.run())}
    found = compare(make.report(before), make.report(after))
    names = {key: [c.case for c in getattr(found, key)] for key in ("fixed", "broken", "still", "flaky", "undecided")}
    assert names == {
        "fixed": ["repaired", "better"],
        "broken": ["worse", "warned", "new fault after silence", "wavering"],
        "still": ["same"],
        "flaky": ["wavering"],
        "undecided": ["silent"],
    }
    assert [c.case for c in (*found.added, *found.gone)] == ["added", "gone"]
    assert not found.same_seeds


def test_times_are_compared_above_noise(make) -> None:
    import dataclasses

    def timed(milliseconds: float) -> object:
        turn = dataclasses.replace(make.turn(), milliseconds=milliseconds)
        return make.report({make.case("a"): (make.run(turns=(turn,)),)}, seeds=("s",), nonce="n" * 32)

    assert [c.milliseconds for c in compare(timed(100), timed(1000)).slower] == [(100, 1000)]
    assert compare(timed(10), timed(100)).slower == ()
    assert compare(timed(1000), timed(1100)).slower == ()
    assert compare(timed(1), timed(1)).same_seeds


def test_runs_of_two_suites_are_refused(make) -> None:
    import dataclasses

    report = make.report({make.case("a"): (make.run(),)})
    with pytest.raises(ValueError, match="fund"):
        compare(report, dataclasses.replace(report, suite="fund"))
