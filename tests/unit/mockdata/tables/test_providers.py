"""Faker by name: standard and community providers, locales, and a today that stands still."""

import datetime
import sys

import pytest
import yaml

from mockdata.population import Population
from mockdata.tables import community, providers
from mockdata.tables.plan import PlanError, plan
from mockdata.tables.today import today
from specs.reading import read

SOURCE = """
from faker.providers import BaseProvider

class Ships(BaseProvider):
    def ship(self, size="small"):
        return f"{size} {self.random_element(['junk', 'sampan', 'ferry'])}"

    def _secret(self):
        return "x"

class Harbour:
    pass
"""


def column(faker, as_of=datetime.date(2026, 11, 1), **options):
    document = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "x.things", "version": "1.0.0", "status": "active",
        "schema": [{"name": "things", "logicalType": "object", "properties": [
            {"name": "thing", "logicalType": "string", "required": True, **options,
             "customProperties": [{"property": "faker", "value": faker}]}]}],
    }  # fmt: skip
    interface = read(yaml.safe_dump(document, allow_unicode=True).encode(), "things.odcs.yaml")
    if as_of == datetime.date(2026, 11, 1):
        return plan(interface, None, seed=3).columns[0]
    return plan(interface, None, Population(3, 1000, as_of)).columns[0]


@pytest.fixture
def ships(tmp_path, monkeypatch):
    """An installed community package with a provider, and one that has nothing to do with Faker."""
    for name, need in (("faker_ships", "Requires-Dist: Faker>=18\n"), ("plainships", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(SOURCE)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{need}")
        (info / "top_level.txt").write_text(name)
    monkeypatch.syspath_prepend(tmp_path)
    community.packages.cache_clear()
    yield
    community.packages.cache_clear()
    for name in ("faker_ships", "plainships"):
        sys.modules.pop(name, None)


def test_community_providers_by_dotted_name(ships):
    plain = column("faker_ships.Ships.ship")
    assert set(plain.recipe.values) == {"small junk", "small sampan", "small ferry"}
    asked = {"provider": "faker_ships.Ships.ship", "locale": "zh_CN", "arguments": {"size": "大"}}
    assert "大 junk" in column(asked).recipe.values
    assert column(asked).source == "Faker faker_ships.Ships.ship@zh_CN"


@pytest.mark.parametrize(
    ("faker", "words"),
    [
        ("faker_ships.Ships.shop", "has no 'shop' near ones: ship"),
        ("faker_ships.Ships._secret", "has no '_secret'"),
        ("faker_ships.Shipps.ship", "no provider class 'Shipps' there is: Ships"),
        ("faker_ships.Harbour.ship", "no provider class 'Harbour'"),
        (
            "faker_shops.Ships.ship",
            "no installed package with Faker providers is called 'faker_shops' near ones: faker",
        ),
        ("plainships.Ships.ship", "no installed package with Faker providers is called 'plainships'"),
        ("os.path.join", "os has no provider class 'path'"),
        ("antigravity.Ships.ship", "called 'antigravity'"),
        ("companny", "unknown Faker provider 'companny' for locale en_US near ones: company"),
        ("company@zh_CM", "unknown Faker locale 'zh_CM' near ones: zh_CN"),
        ("company@../etc", "unknown Faker locale"),
        ({"provider": "company", "arguments": {"x": 1}}, "refused its arguments"),
        ({"provider": "company", "locale": 5}, "unknown Faker locale"),
        ({"arguments": {}}, "must name a provider"),
    ],
)
def test_unknown_ones_are_named_with_near_names(ships, faker, words):
    with pytest.raises(PlanError) as caught:
        column(faker)
    assert words in f"{caught.value} {caught.value.hint}"
    assert (caught.value.column, caught.value.pointer) == ("thing", "/schema/0/properties/0")


@pytest.mark.parametrize("locale", ["zh_CN", "zh-TW", "ar_EG", "de_AT", "ja_JP"])
def test_any_locale(locale):
    assert len(column(f"name@{locale}").recipe.values) > 50


def test_today_is_the_day_the_data_are_of():
    one, other = column("date_of_birth"), column("date_of_birth", datetime.date(2040, 1, 1))
    assert max(other.recipe.values) > "2035" > "2026-11-01" >= max(one.recipe.values)
    assert column("date_time_this_year").recipe.values[0][:4] == "2026"
    assert column({"provider": "future_date", "arguments": {"end_date": "+1d"}}).recipe.values == ("2026-11-02",)


def test_today_is_left_as_it_was():
    from faker.providers import date_time

    before = {word: id(value) for word, value in vars(date_time).items()}
    with today(datetime.date(2030, 5, 1)):
        assert date_time.datetime.now().year == 2030
        assert isinstance(datetime.datetime(2020, 1, 1), date_time.datetime)
    assert {word: id(value) for word, value in vars(date_time).items()} == before


def test_values_that_break_the_field_never_enter_the_pool():
    values = column("company", logicalTypeOptions={"maxLength": 12}).recipe.values
    assert max(map(len, values)) <= 12
    assert len(values) > 20
    assert len(values) <= providers.POOL
