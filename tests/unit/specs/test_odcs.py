"""Data contracts to tables."""

import specs

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: civil-affairs.marriage-records
name: 婚姻登记
version: 1.2.0
status: active
description: {purpose: 批量核对, customProperties: [{property: purpose_en, value: Bulk comparison}]}
customProperties:
  - {property: department, value: civil-affairs}
  - {property: register, value: marriage}
  - {property: title_en, value: Marriage records}
schema:
  - name: marriages
    businessName: 婚姻
    customProperties: [{property: title_en, value: Marriages}]
    quality: [{metric: rowCount, mustBeGreaterThan: 0}]
    properties:
      - name: second
        logicalType: string
        primaryKey: true
        primaryKeyPosition: 2
      - name: GMSFHM
        businessName: 号码
        logicalType: string
        physicalType: CHAR(18)
        logicalTypeOptions: {minLength: 18, maxLength: 18, pattern: '^[0-9]{17}[0-9X]$'}
        required: true
        unique: true
        primaryKey: true
        primaryKeyPosition: 1
        authoritativeDefinitions: [{type: element, url: 'urn:tongban:element:GMSFHM'}]
        customProperties: [{property: sensitivity, value: general-3}, {property: title_en, value: Number}]
        relationships:
          - to: ../../police/resident-register/odcs.yaml#/schema/residents/properties/GMSFHM
      - name: XBDM
        logicalType: string
        classification: general-2
        quality: [{type: library, metric: invalidValues, mustBe: 0, arguments: {validValues: ['1', '2']}}]
      - {name: day, logicalType: date, logicalTypeOptions: {minimum: '2000-01-01'}}
      - {name: compact, logicalType: date, logicalTypeOptions: {format: yyyyMMdd}}
      - {name: at, logicalType: timestamp}
      - {name: amount, physicalType: 'DECIMAL(10,2)', logicalTypeOptions: {minimum: 0, exclusiveMaximum: 100}}
      - name: address
        logicalType: object
        properties: [{name: street, logicalType: string, required: true}]
      - {name: tags, logicalType: array, items: {logicalType: string}, logicalTypeOptions: {maxItems: 3}}
    relationships:
      - {from: [marriages.second, marriages.GMSFHM], to: [parties.a, parties.b]}
  - name: parties
    properties: [{name: a, logicalType: string}, {name: b, logicalType: string, enum: [{value: x, label: X}]}]
"""


def test_a_contract_becomes_tables() -> None:
    interface = specs.read(CONTRACT.encode(), "c.yaml", strict=True)
    assert interface.findings == ()
    assert (interface.kind, interface.id, interface.version) == (
        specs.Kind.DATASET, "civil-affairs.marriage-records", "1.2.0",
    )  # fmt: skip
    assert interface.format == "ODCS 3.1.0"
    assert interface.department == "civil-affairs"
    assert interface.title == {"zh_CN": "婚姻登记", "en": "Marriage records"}
    assert interface.description == {"zh_CN": "批量核对", "en": "Bulk comparison"}
    table = interface.table("marriages")
    assert table.title == {"zh_CN": "婚姻", "en": "Marriages"}
    assert table.primary_key == ("GMSFHM", "second")
    assert table.register == "marriage"
    assert table.quality == ({"metric": "rowCount", "mustBeGreaterThan": 0},)
    number = table.field("GMSFHM")
    assert (number.element, number.sensitivity, number.required, number.key) == ("GMSFHM", "general-3", True, True)
    assert number.title == {"zh_CN": "号码", "en": "Number"}
    assert number.pointer == "/schema/0/properties/1"
    assert number.schema == {
        "type": "string", "title": "号码", "minLength": 18, "maxLength": 18, "pattern": "^[0-9]{17}[0-9X]$",
        "x-unique": True, "x-physical-type": "CHAR(18)", "x-element": "GMSFHM", "x-sensitivity": "general-3",
    }  # fmt: skip
    assert (table.field("XBDM").schema["enum"], table.field("XBDM").sensitivity) == (["1", "2"], "general-2")
    assert table.field("day").schema == {"type": "string", "format": "date", "x-minimum": "2000-01-01"}
    assert table.field("compact").schema == {
        "type": "string", "x-date-format": "yyyyMMdd", "pattern": "^[0-9]{8}$"
    }  # fmt: skip
    assert table.field("at").schema == {"type": "string", "format": "date-time"}
    amount = table.field("amount").schema
    assert (amount["type"], amount["minimum"], amount["exclusiveMaximum"]) == ("number", 0, 100)
    assert table.field("address").schema["required"] == ["street"]
    assert table.field("tags").schema == {"type": "array", "items": {"type": "string"}, "maxItems": 3}
    assert table.schema["required"] == ["second", "GMSFHM"]
    outer, inner = table.foreign_keys
    assert (outer.fields, outer.interface, outer.table, outer.target_fields) == (
        ("GMSFHM",), "police.resident-register", "residents", ("GMSFHM",),
    )  # fmt: skip
    assert (inner.fields, inner.interface, inner.table, inner.target_fields) == (
        ("second", "GMSFHM"), None, "parties", ("a", "b"),
    )  # fmt: skip
    assert interface.table("parties").field("b").schema["enum"] == ["x"]


def test_flaws_of_a_contract_are_told() -> None:
    text = """
apiVersion: v3.2.0
kind: DataContract
schema:
  - {properties: []}
  - name: t
    properties:
      - {name: a, logicalType: wibble, relationships: [{to: nowhere.b}, {to: [t.a, t.b]}, 5]}
      - {name: a}
      - {logicalType: string}
      - {name: c, logicalType: string, logicalTypeOptions: {pattern: '(', minLength: few}}
customProperties: [5, {value: x}]
"""
    interface = specs.read(text.encode(), "c.yaml")
    rules = [(finding.rule, finding.line) for finding in interface.findings]
    assert set(rules) >= {
        ("missing-field", 2), ("missing-field", 5), ("invalid-schema", 8), ("invalid-relationship", 8),
        ("wrong-type", 8), ("duplicate-name", 9), ("missing-field", 10), ("invalid-pattern", 11),
        ("invalid-schema", 11), ("wrong-type", 12),
    }  # fmt: skip
    assert [field.name for field in interface.table("t").fields] == ["a", "c"]
    assert interface.table("t").field("c").schema == {"type": "string"}


def test_contracts_of_version_2_are_read_at_their_own_places() -> None:
    interface = specs.read(
        b"""
apiVersion: v2.2.2
kind: DataContract
uuid: civil-affairs.marriages
version: 1.1.0
datasetName: Marriages
description: {purpose: Registered marriages, limitations: none}
dataset:
  - table: marriages
    description: One a row
    columns:
      - {column: ZSBH, isPrimaryKey: true, logicalType: string, isNullable: false, sampleValues: [a]}
      - {column: DJRQ, logicalType: date, physicalType: date, isNullable: true}
      - {column: odd, logicalType: strange}
""",
        "old.yaml",
    )
    (table,) = interface.tables
    assert (interface.id, interface.format, interface.title) == (
        "civil-affairs.marriages", "ODCS 2.2.2", {"en": "Marriages"},
    )  # fmt: skip
    assert table.primary_key == ("ZSBH",)
    assert [(field.name, field.required) for field in table.fields] == [("ZSBH", True), ("DJRQ", False), ("odd", False)]
    assert table.field("ZSBH").schema["examples"] == ["a"]
    (finding,) = interface.findings
    assert (finding.rule, finding.pointer, finding.line) == ("invalid-schema", "/dataset/0/columns/2/logicalType", 14)
