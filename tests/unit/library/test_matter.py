from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from specs import library
from specs.library import Matter
from specs.process import Step, Workflow

# facts: the order constraints of the joint matter, with the household and institution checks before N2
ORDER: Mapping[str, set[str]] = {
    "N1": set(),
    "N0-mother": set(),
    "N0-father": set(),
    "N0-institution": set(),
    "N2": {"N1", "N0-mother", "N0-father", "N0-institution"},
    "N7": {"N2"},
    "N3": {"N2"},
    "N8": {"N2"},
    "N4": {"N3"},
    "N6": {"N3"},
    "N5": {"N4"},
}


@pytest.fixture(scope="module")
def newborn() -> Matter:
    return library.matter("newborn")


@pytest.fixture(scope="module")
def flow(newborn: Matter) -> Workflow:
    assert newborn.process.process is not None
    (workflow,) = newborn.process.process.workflows
    return workflow


def before(step: str) -> set[str]:
    """Every step that comes before `step`."""
    return ORDER[step] | {earlier for near in ORDER[step] for earlier in before(near)}


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for member in value.values() for text in texts(member)]
    if isinstance(value, list):
        return [text for member in value for text in texts(member)]
    return [value] if isinstance(value, str) else []


def test_a_wrong_name_is_answered() -> None:
    assert library.matters() == ("fund-withdrawal", "newborn", "start-up")
    with pytest.raises(KeyError, match="newborn"):
        library.matter("newborns")


def test_the_departments() -> None:
    assert [department.id for department in library.departments()] == [
        "civil-affairs",
        "health",
        "police",
        "medical-insurance",
        "tax",
        "human-resources",
        "disease-control",
        "market-regulation",
        "court",
        "central-bank",
        "housing-fund",
        "bank",
        "real-estate",
    ]


def test_the_process_is_the_expected_graph(flow: Workflow) -> None:
    assert {step.id: set(step.depends_on) for step in flow.steps} == ORDER


def test_the_order_is_acyclic_and_listed_in_an_order_that_keeps_it(flow: Workflow) -> None:
    done: set[str] = set()
    for step in flow.steps:
        assert set(step.depends_on) <= done, step.id
        done.add(step.id)


def test_steps_name_existing_operations_and_fit_them(newborn: Matter, flow: Workflow) -> None:
    for step in flow.steps:
        assert step.interface is not None
        assert step.operation is not None
        interface = newborn.interfaces[step.interface]
        operation = interface.operation(step.operation)
        assert operation.success is not None
        names = {field.name for field in interface.fields(operation.success.contents[0].schema)}
        assert set(step.outputs) <= names, step.id
        given = {argument.name: argument for argument in step.parameters}
        needed = {parameter.name for parameter in operation.parameters if parameter.required}
        assert needed <= set(given) <= {parameter.name for parameter in operation.parameters}, step.id
        assert set(given["fields"].value) == set(step.outputs), step.id
        if operation.body is None:
            assert step.payload is None
        else:
            assert step.payload is not None
            fields = {f.name: f for f in interface.fields(operation.body.contents[0].schema)}
            assert set(step.payload.value) <= set(fields), step.id
            assert {name for name, f in fields.items() if f.required} <= set(step.payload.value), step.id
        assert step.criteria[0].condition == f"$statusCode == {operation.success.status}"
        for criterion in step.criteria[1:]:
            (name,) = re.findall(r"\$response\.body#/([A-Z0-9]+)", criterion.condition)
            assert name in step.outputs, "a criterion reads only what was asked for"


def used(step: Step) -> tuple[set[str], set[tuple[str, str]]]:
    """Inputs and (step, output) pairs a step refers to."""
    said = texts([argument.value for argument in step.parameters])
    said += texts(step.payload.value if step.payload else None)
    inputs = {name for text in said for name in re.findall(r"\$inputs\.([a-z_]+)", text)}
    outputs = {pair for text in said for pair in re.findall(r"\$steps\.([A-Z0-9a-z-]+)\.outputs\.([A-Z]+)", text)}
    return inputs, outputs


def test_data_flow_only_from_inputs_and_earlier_steps(flow: Workflow) -> None:
    described = set(flow.inputs["properties"])
    outputs = {step.id: set(step.outputs) for step in flow.steps}
    all_inputs: set[str] = set()
    for step in flow.steps:
        inputs, references = used(step)
        all_inputs |= inputs
        assert inputs <= described, step.id
        for source, output in references:
            assert source in before(step.id), f"{step.id} reads {source}"
            assert output in outputs[source]
    assert all_inputs == described == set(flow.inputs["required"])


def test_results_come_from_the_last_word_of_each_step(flow: Workflow, newborn: Matter) -> None:
    result = newborn.interface.definitions["HandledMatter"]["properties"]["result"]["properties"]
    assert set(flow.outputs) == set(result)


def test_matter_and_process_agree(newborn: Matter, flow: Workflow) -> None:
    assert [step.id for step in newborn.steps] == [step.id for step in flow.steps]
    reads: dict[str, dict[str, set[str]]] = {}
    for step in newborn.steps:
        arazzo = flow.step(step.id)
        assert (step.interface, step.operation) == (arazzo.interface, arazzo.operation)
        assert step.department == step.interface.split(".")[0]
        assert set(step.needs) == ORDER[step.id]
        assert set(step.reads) == set(arazzo.outputs)
        if arazzo.payload is not None:
            assert set(step.sends) == set(arazzo.payload.value)
        operation = newborn.interfaces[step.interface].operation(step.operation)
        assert operation.success is not None
        assert step.writes == (operation.success.status == "201")
        reads.setdefault(step.interface, {}).setdefault(step.operation, set()).update(step.reads)
    shown = {i: {o: set(fields) for o, fields in operations.items()} for i, operations in newborn.needs.items()}
    assert shown == reads
    assert "police.residents" not in newborn.interfaces


def test_required_steps_are_closed_under_their_needs(newborn: Matter) -> None:
    required = {step.id for step in newborn.steps if step.required}
    assert required == {"N1", "N0-mother", "N0-father", "N0-institution", "N2", "N3", "N7"}
    for step in required:
        assert set(newborn.step(step).needs) <= required
    choices = newborn.interface.definitions["NewbornApplication"]["properties"]["services"]["items"]["enum"]
    assert set(choices) == {step.id for step in newborn.steps} - required


def test_app_interface_lists_the_steps_and_states(newborn: Matter) -> None:
    schemas = newborn.interface.definitions
    assert schemas["Step"]["properties"]["step"]["enum"] == [step.id for step in newborn.steps]
    stages = newborn.interface.extensions["x-rule-stages"]
    assert [rule for stage in stages for rule in stage["rules"]] == [rule["id"] for rule in newborn.rules]
    by_id = {rule["id"]: rule for rule in newborn.rules}
    assert all(by_id[rule]["outcome"] == stage["state"] for stage in stages for rule in stage["rules"])
    states = set(schemas["HandledMatter"]["properties"]["state"]["enum"])
    assert {rule["outcome"] for rule in newborn.rules} - {"notice"} <= states


def test_rules_use_only_fields_an_app_may_read(newborn: Matter) -> None:
    for rule in newborn.rules:
        for use in rule["uses"]:
            match = re.fullmatch(r"([a-z.-]+)#([A-Za-z]+)/response/([A-Z0-9]+)", use)
            assert match or use.startswith("application"), use
            if match:
                assert match[3] in newborn.needs[match[1]][match[2]], use


def test_gaps_are_leaves_of_the_application(newborn: Matter) -> None:
    application = newborn.interface.definitions["NewbornApplication"]
    for rule in newborn.rules:
        for gap in rule.get("gaps", ()):
            schema = application
            for name in gap["pointer"].strip("/").split("/"):
                schema = schema["properties"][name]
            assert schema.get("type") in {"string", "boolean"}, gap
            assert set(gap["message"]) == {"zh_CN", "en"}


def test_settings_agree(newborn: Matter) -> None:
    assert newborn.settings == newborn.interface.extensions["x-settings"]
    assert newborn.settings["E2_limit_months"] == 12


def test_service_level_is_usable(newborn: Matter) -> None:
    level = newborn.suite["service_level"]
    assert level["p95_ms"] > 0
    assert level["requests_per_second"] > 0
    assert 0 <= level["error_rate"] < 1
