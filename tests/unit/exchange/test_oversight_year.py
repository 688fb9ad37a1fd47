"""A year of calls, counted by other code while it is made up: reports, in every form, give those figures."""

from __future__ import annotations

from typing import Any

import pytest

from exchange.agreements.service import Agreements
from exchange.brokering.service import Broker
from exchange.oversight.model import Filter
from exchange.oversight.reporting import Reporting
from exchange.oversight.service import Oversight
from exchange.oversight.supervision import Report
from tests.benchmarks import _year
from tests.unit.exchange.test_brokering import Provider

CALLS, AGREEMENTS = 2500, 60


class Year:
    """A filled exchange, what was counted, and oversight over it."""

    def __init__(self, services: Any) -> None:
        services.clock.now = _year.NOW
        self.counted = _year.write(services.database, services.parties, CALLS, agreements=AGREEMENTS)
        agreements = Agreements(services.database, services.ledger, services.catalogue, services.clock)
        base = services.database, services.ledger
        broker = Broker(*base, services.catalogue, agreements, Provider(), services.clock)
        self.oversight = Oversight(*base, services.catalogue, agreements, broker, services.clock)
        self.reporting = Reporting(*base, services.parties, self.oversight, services.clock)
        self.officer = services.caller("data-office-2", "data_office", "officer")


@pytest.fixture
def year(services: Any) -> Year:
    return Year(services)


def shown(report: Report) -> dict[str, str]:
    return {one.id: one.value for section in report.sections for one in section.figures}


def test_reports_give_the_figures_that_were_counted(year: Year) -> None:
    for month, since, until in (("2026-03", "2026-03-01", "2026-03-31"), ("2026-10", "2026-10-01", "2026-10-31")):
        reports = year.reporting.reports(year.officer, since, until)
        assert len(reports) == _year.DEPARTMENTS
        for report in reports:
            key, figures, counted = (report.department, month), shown(report), year.counted
            for name in ("given", "records", "taken", "refused", "turned_away", "failed"):
                assert figures[name] == f"{getattr(counted, name)[key]:,}", (key, name)
            given, failed = counted.given[key], counted.failed[key]
            share = 100 * given / (given + failed)
            assert figures["sound"] == f"{share:.1f} %"
        # one report alone says the same as all together
        alone = year.reporting.report(year.officer, "department-03", since, until)
        assert alone.sections == reports[3].sections
    whole = year.reporting.report(year.officer, "department-03", "2025-11-02", "2026-11-02")
    assert (
        shown(whole)["given"] == f"{sum(n for (who, _), n in year.counted.given.items() if who == whole.department):,}"
    )
    # what is listed call by call adds up to the same
    wish = Filter(provider="department-03", outcome="delivered", since="2026-03-01", until="2026-03-31")
    assert sum(1 for _ in year.oversight.calls(year.officer, wish)) == year.counted.given["department-03", "2026-03"]
    assert sum(1 for _ in year.oversight.calls(year.officer, Filter())) == CALLS
