"""Each rule catches its own example alone, stays silent on the good one, and is documented."""

from pathlib import Path

import pytest

from specs import library
from specs.finding import Finding
from specs.lint import lint, lint_document
from specs.rules import Rule, rules
from specs.rules.examples import BASES, document
from specs.rules.page import markdown
from specs.rulesets import RuleSet, load

ROOT = Path(__file__).parents[3]
RULES = rules()


def findings(rule: Rule, fragment: str, folder: Path) -> tuple[Finding, ...]:
    path = folder / ("example.json" if fragment.startswith("{") or rule.base else "example.yaml")
    path.write_bytes(document(rule, fragment))
    asked = {rule.id: rule.severity} if rule.optional else {}
    return lint_document(path, ruleset=RuleSet("test", severities=asked))


@pytest.mark.parametrize("id", RULES)
def test_the_bad_example_triggers_its_rule_alone(id: str, tmp_path: Path) -> None:
    found = findings(RULES[id], RULES[id].bad, tmp_path)
    assert {f.rule for f in found} == {id}, [str(f) for f in found]
    assert all(f.severity is RULES[id].severity for f in found)
    assert all(f.line is not None and f.message and f.file for f in found)


@pytest.mark.parametrize("id", RULES)
def test_the_good_example_is_silent(id: str, tmp_path: Path) -> None:
    assert [str(f) for f in findings(RULES[id], RULES[id].good, tmp_path)] == []


@pytest.mark.parametrize("base", BASES)
def test_the_documents_that_examples_change_are_faultless(base: str) -> None:
    assert lint_document(BASES[base].encode(), f"{base}.yaml") == ()


@pytest.mark.parametrize("id", RULES)
def test_each_rule_gives_a_reason(id: str) -> None:
    assert len(RULES[id].reason.split()) >= 5


def test_the_documentation_page_is_current() -> None:
    page = (ROOT / "docs" / "lint-rules.md").read_text(encoding="utf-8")
    assert page == markdown(), "run: tongban spec rules --format markdown > docs/lint-rules.md"


def test_the_shipped_library_keeps_what_it_asks_of_departments() -> None:
    matters = [library.matter(name) for name in library.matters()]
    own = [document for matter in matters for document in (matter.interface, matter.process)]
    for interface in (*library.interfaces().values(), *own):
        assert [str(f) for f in lint(interface, ruleset=load("government"))] == []
