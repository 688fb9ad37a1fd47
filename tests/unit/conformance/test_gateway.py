"""What a launch meets at departments: facts told otherwise, late and broken answers, an expired token."""

from datetime import date

import httpx2
import pytest

from conformance.gateway import Gateway, Trouble
from mockdata.population import Population
from specs import library

CHECK = "police.households#checkHousehold"


@pytest.fixture(scope="module")
def gateway():
    interface = library.interfaces()["police.households"]
    with Gateway([interface], Population("1", 20_000), seed="1", today=date(2026, 12, 1)) as served:
        yield served


@pytest.fixture(scope="module")
def somebody():
    found = Population("1", 20_000).persons([7], ["name", "citizen_number"])
    return {"XM": found["name"][0].as_py(), "GMSFHM": found["citizen_number"][0].as_py()}


def ask(gateway, token, body, **more):
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{gateway.url}/police.households/household-checks?fields=PPJG,HB"
    return httpx2.post(url, json=body, headers=headers, **more)


def test_a_launch_can_be_told_otherwise_and_only_what_it_asks_for(gateway, somebody) -> None:
    plain = ask(gateway, gateway.launch("plain"), somebody).json()
    other = "2" if plain["HB"] == "1" else "1"
    told = Trouble(facts={"HB": other, "ZT": "9"}, times=1)
    token = gateway.launch("told", troubles={CHECK: told})
    assert ask(gateway, token, somebody).json() == {**plain, "HB": other}
    assert ask(gateway, token, somebody).json() == plain
    assert [item.answer["HB"] for item in gateway.record(["told"])] == [other, plain["HB"]]


def test_an_answer_that_breaks_off_was_not_read(gateway, somebody) -> None:
    token = gateway.launch("cut", troubles={CHECK: Trouble(cut=True)})
    with pytest.raises(httpx2.HTTPError):
        ask(gateway, token, somebody)
    [item] = gateway.record(["cut"])
    assert (item.call.status, item.call.fields, item.answer) == (200, (), None)


def test_a_late_answer_was_read_only_by_who_waited(gateway, somebody) -> None:
    token = gateway.launch("late", troubles={CHECK: Trouble(delay=0.3)})
    with pytest.raises(httpx2.TimeoutException):
        ask(gateway, token, somebody, timeout=0.1)
    assert ask(gateway, token, somebody).status_code == 200
    first, second = gateway.record(["late"])
    assert first.answer is None
    assert second.call.fields == ("PPJG", "HB")


def test_a_refusal_names_when_to_come_back_and_a_token_can_expire(gateway, somebody) -> None:
    token = gateway.launch("refused", troubles={CHECK: Trouble(status=429, retry_after=1)})
    answer = ask(gateway, token, somebody)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    gateway.restore("refused")
    assert ask(gateway, token, somebody).status_code == 200
    gateway.expire("refused")
    assert ask(gateway, token, somebody).status_code == 401
