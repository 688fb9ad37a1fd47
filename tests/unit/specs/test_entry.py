"""The catalogue entry an interface carries, whatever kind of document it stands in."""

import specs
from specs import library
from specs.entry import LEVELS, SHARING_CLASSES, SHARING_MODES, UPDATE_FREQUENCIES, entry


def test_every_shipped_service_and_contract_carries_a_complete_entry():
    for interface in library.interfaces().values():
        found = entry(interface)
        assert found is not None, interface.id
        assert found.name["zh_CN"]
        assert found.name["en"]
        assert found.department == interface.department
        assert len(found.uscc) == 18
        assert found.items
        assert found.sharing_class in SHARING_CLASSES
        assert found.sharing_mode in SHARING_MODES
        assert found.update_frequency in UPDATE_FREQUENCIES
        assert found.classification in LEVELS
        assert found.approval.date
        node = interface.document.value
        for token in found.pointer.split("/")[1:]:
            node = node[int(token)] if isinstance(node, list) else node[token]
        assert node["sharing_class"] == found.sharing_class


def test_a_document_without_one_has_none_and_a_wrong_one_is_empty():
    plain = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {}\n"
    assert entry(specs.read(plain.encode(), "a.yaml")) is None
    wrong = plain.replace("version: '1'", "version: '1', x-catalogue: {items: 5, provider: [], name: 姓名}")
    found = entry(specs.read(wrong.encode(), "a.yaml"))
    assert found is not None
    assert (found.items, found.uscc, found.name) == ((), "", {"zh_CN": "姓名"})
