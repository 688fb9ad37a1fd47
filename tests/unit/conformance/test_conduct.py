"""What is given away in answers, over a handful of them."""

import dataclasses

import pytest

from conformance import suites
from conformance.case import Outcome, Turn
from conformance.stage import Episode
from conformance.suites import conduct
from conformance.transport import Ask, Reply

SUITE = suites.load("newborn")
ANN, BOB = "110101199003070011", "15400000001"
SAFE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def episode(launch="a", body=None, answer=None, text="", headers=None, calls=()):
    reply = Reply(200, SAFE if headers is None else headers, answer, text, 0.1)
    ask = Ask("POST", "/handled-matters", {"Authorization": "Bearer " + "t" * 40}, body)
    turn = Turn("POST", "/", 200, text if answer is None else answer, "", headers=reply.headers)
    return Episode("c", "submitHandledMatter", launch, ask, reply, turn, tuple(calls))


def found(name, *episodes):
    return [sighting.problem for sighting in conduct.ALL[name](SUITE, episodes)]


def test_only_the_numbers_of_others_are_leaks() -> None:
    first = episode("a", {"GMSFHM": ANN, "LXDH": BOB})
    assert found("observe.leaks", first, episode("a", text=ANN), episode("b", {"GMSFHM": ANN}, text=ANN)) == []
    [problem] = found("observe.leaks", first, episode("b", text=f"call {BOB}"))
    assert problem.requirements == ("privacy.others",)


def test_ids_that_count_up_or_hold_a_number_are_seen_and_random_ones_not() -> None:
    counted = [episode(answer={"id": f"hm-{n:08d}"}) for n in range(40, 60, 2)]
    assert found("observe.ids", *counted)
    drawn = [episode(answer={"id": f"hm-{n * 2654435761 % 2**32:08x}{n * 40503 % 2**16:04x}"}) for n in range(1, 20)]
    assert found("observe.ids", *drawn) == []
    assert found("observe.ids", episode(body={"GMSFHM": ANN}, answer={"id": f"hm-{ANN}"}))


@pytest.mark.parametrize(
    "text",
    [
        'Traceback (most recent call last):\n  File "/app/x.py", line 3',
        "java.lang.NullPointerException\n\tat cn.gov.App.run(App.java:17)",
        "SQLSTATE[42000]: syntax error",
        "token " + "t" * 40,
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_what_is_internal_is_not_shown(text) -> None:
    assert found("observe.secrets", episode(text=text))
    assert (
        found("observe.secrets", episode(text='{"title": "没有这个编号的办件", "created": "2026-01-01T10:20:30"}'))
        == []
    )


def test_a_lack_of_headers_is_a_remark_and_a_public_cache_a_fault() -> None:
    answer = {"id": "hm-1"}
    assert found("observe.headers", episode(answer=answer)) == []
    lacking = found("observe.headers", episode(answer=answer, headers={"server": "nginx/1.2"}))
    assert [problem.outcome for problem in lacking] == [Outcome.WARN] * 3
    public = {**SAFE, "cache-control": "public, max-age=60"}
    assert [p.outcome for p in found("observe.headers", episode(answer=answer, headers=public))] == [Outcome.FAIL]


def test_the_same_data_twice_is_a_remark_and_often_a_fault(make) -> None:
    def again(times):
        call = dataclasses.replace(
            make.call("checkHousehold", 200, "HB", request={"XM": "x"}), interface="police.households"
        )
        return episode(answer={"id": "hm-1"}, calls=[make.recorded(call) for _ in range(times)])

    assert found("observe.rereads", again(1)) == []
    assert [p.outcome for p in found("observe.rereads", again(2))] == [Outcome.WARN]
    assert [p.outcome for p in found("observe.rereads", again(5))] == [Outcome.FAIL]
