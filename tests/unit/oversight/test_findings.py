"""Findings name what a data officer should look at, and stay silent otherwise."""

from __future__ import annotations

from exchange.oversight.model import Flow, Granted, findings, matrix


def flow(state: str = "delivered", **changes: object) -> Flow:
    values: dict[str, object] = {
        "id": "d1",
        "at": "t",
        "provider": "police",
        "consumer": "tax",
        "interface": "police.residents",
        "operation": "queryResident",
        "agreement": "agr1",
        "purpose": "p",
        "legal_basis": "law",
        "state": state,
        "rule": "permitted" if state == "delivered" else "purpose-mismatch",
        "fields": ("XM",),
        "records": 1,
    }
    return Flow(**{**values, **changes})  # type: ignore[arg-type]


GRANT = Granted("agr1", "police", "tax", "police.residents", ("XM",), "active", "t")


def test_a_used_agreement_with_used_fields_gives_no_finding() -> None:
    assert findings([flow()], [GRANT]) == []


def test_a_refused_attempt_is_found_with_its_rule() -> None:
    (found,) = findings([flow(), flow("refused", id="d2", fields=())], [GRANT])
    assert (found.kind, found.evidence) == ("refused-attempt", ("d2",))
    assert "purpose-mismatch" in found.detail_en


def test_an_unused_agreement_and_unused_fields_are_found() -> None:
    wide = Granted("agr1", "police", "tax", "police.residents", ("XM", "LXDH"), "active", "t")
    idle = Granted("agr2", "police", "health", "police.residents", ("XM",), "active", "t")
    assert [(f.kind, f.subject) for f in findings([flow()], [wide, idle])] == [
        ("unused-fields", "agr1"),
        ("unused-agreement", "agr2"),
    ]


def test_a_refusal_does_not_count_as_use() -> None:
    kinds = [f.kind for f in findings([flow("refused")], [GRANT])]
    assert kinds == ["refused-attempt", "unused-agreement"]


def test_an_ended_agreement_needs_no_use() -> None:
    ended = Granted("agr1", "police", "tax", "i", ("XM",), "terminated", "t")
    assert findings([], [ended]) == []


def test_matrix_counts_both_outcomes() -> None:
    rows = matrix([flow(), flow(), flow("refused"), flow("failed")])
    assert rows == [{"provider": "police", "consumer": "tax", "delivered": 2, "refused": 1}]
