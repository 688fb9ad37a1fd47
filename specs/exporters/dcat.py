"""Interfaces as a catalogue of linked data: DCAT-AP 3.0.1 (on W3C DCAT 3), JSON-LD and Turtle.

A service is a `dcat:DataService`, a dataset a `dcat:Dataset` with one `dcat:Distribution`; processes hold no data and
are left out. The department is the publisher, the sharing class gives `dct:accessRights`, the update frequency
`dct:accrualPeriodicity`, the legal basis `dcatap:applicableLegislation`, the use conditions an `odrl:Offer`, the
document `dct:conformsTo` and `dcat:endpointDescription`. Node types SHACL asks for are written into the graph, so that
it is valid without loading the vocabularies of the European Union.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote, urljoin

from specs.entry import SHARING_CLASSES, CatalogueEntry, entry
from specs.exporters.graph import iri, link, literals, turtle_text, typed
from specs.model import Interface, Kind
from specs.words import NOTHING, Text, say

CONTEXT: Mapping[str, str] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "eli": "http://data.europa.eu/eli/ontology#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_AUTHORITY = "http://publications.europa.eu/resource/authority"
_FREQUENCIES = {"1": "CONT", "2": "DAILY", "3": "WEEKLY", "4": "MONTHLY", "5": "QUARTERLY", "6": "ANNUAL"}
_LANGUAGES = {"zh_CN": "ZHO", "en": "ENG"}


@dataclass(frozen=True, slots=True)
class CatalogueInfo:
    """What is said of the catalogue itself.

    `url` is its address: an interface is the node `<url>/<interface id>`. `document_url` says where documents are,
    with `{id}` and `{version}` in it (default: `<url>/{id}/document`). `departments` gives names by department id.
    """

    url: str = "https://catalogue.example/interfaces"
    title: Text = NOTHING
    description: Text = NOTHING
    publisher: Text = NOTHING
    document_url: str = ""
    departments: Mapping[str, Text] = NOTHING


_TITLE: Text = {"zh_CN": "政务数据目录", "en": "Catalogue of government data"}
_ABOUT: Text = {"zh_CN": "可共享的接口与数据集。", "en": "Interfaces and datasets that can be shared."}
_KEEPER: Text = {"zh_CN": "政务数据共享主管部门", "en": "Authority for government data sharing"}


def dcat(interfaces: Iterable[Interface], catalogue_info: CatalogueInfo | None = None) -> dict[str, Any]:
    """The catalogue as JSON-LD (a context of prefixes and a flat graph); valid against the shapes of DCAT-AP 3.0.1."""
    info = catalogue_info or CatalogueInfo()
    nodes = _Nodes(info)
    shared = [interface for interface in interfaces if interface.kind is not Kind.PROCESS]
    for interface in shared:
        nodes.add_interface(interface)
    datasets = [nodes.name(one) for one in shared if one.kind is Kind.DATASET]
    services = [nodes.name(one) for one in shared if one.kind is Kind.API]
    publisher = nodes.agent(f"{info.url}#publisher", info.publisher or _KEEPER)
    languages = dict.fromkeys(language for one in shared for language in one.title)
    catalogue: dict[str, Any] = {
        "@id": iri(info.url),
        "@type": "dcat:Catalog",
        "dct:title": literals(info.title or _TITLE),
        "dct:description": literals(info.description or _ABOUT),
        "dct:publisher": publisher,
    }
    if known := [language for language in languages if language in _LANGUAGES]:
        catalogue["dct:language"] = [nodes.language(language) for language in known]
    if datasets:
        catalogue["dcat:dataset"] = [link(one) for one in datasets]
    if services:
        catalogue["dcat:service"] = [link(one) for one in services]
    return {"@context": dict(CONTEXT), "@graph": [catalogue, *nodes.made.values()]}


def turtle(interfaces: Iterable[Interface], catalogue_info: CatalogueInfo | None = None) -> str:
    """The same graph as Turtle."""
    return turtle_text(dcat(interfaces, catalogue_info))


class _Nodes:
    """The nodes of one graph, each once, in the order in which they are first needed."""

    def __init__(self, info: CatalogueInfo) -> None:
        self.info = info
        self.made: dict[str, dict[str, Any]] = {}

    def name(self, interface: Interface) -> str:
        return f"{self.info.url.rstrip('/')}/{quote(interface.id, safe='')}"

    def node(self, name: str, kind: str | list[str], **said: Any) -> dict[str, str]:
        self.made.setdefault(
            iri(name), {"@id": iri(name), "@type": kind, **{_word(k): v for k, v in said.items() if v}}
        )
        return link(name)

    def agent(self, name: str, title: Text, uscc: str = "") -> dict[str, str]:
        identifier = [{"@value": uscc}] if uscc else []
        return self.node(name, "foaf:Agent", foaf_name=literals(title), dct_identifier=identifier)

    def language(self, language: str) -> dict[str, str]:
        return self.node(f"{_AUTHORITY}/language/{_LANGUAGES[language]}", "dct:LinguisticSystem")

    def add_interface(self, interface: Interface) -> None:
        found = entry(interface) or CatalogueEntry()
        name, document = self.name(interface), self._document(interface)
        title = interface.title or found.name or {"en": interface.id}
        description = interface.description or found.abstract or title
        said: dict[str, Any] = {
            "dct_title": literals(title) or literals({"en": interface.id}),
            "dct_description": literals(description) or literals({"en": interface.id}),
            "dct_identifier": [{"@value": interface.id}],
            "dct_publisher": self._department(interface, found),
            "dct_accessRights": self._rights(found),
            "dcatap_applicableLegislation": [self._law(basis.law, basis.article) for basis in found.legal_basis],
            "dcat_theme": self._theme(found.resource_kind),
            "dcat_keyword": [{"@value": tag} for tag in _tags(interface)],
            "dcat_version": {"@value": interface.version},
            "dct_issued": _date(found.issue_date),
            "dct_conformsTo": self.node(document, "dct:Standard", dct_title=literals({"en": interface.format})),
            "dct_language": [self.language(one) for one in interface.title if one in _LANGUAGES],
        }
        if interface.kind is Kind.API:
            server = interface.servers[0].url if interface.servers else name
            address = link(urljoin(f"{self.info.url}/", server))
            description_of = {"dcat_endpointDescription": link(document), "dcat_endpointURL": address}
            for word in ("dcat_version", "dct_issued"):
                said.pop(word)
            self.node(name, "dcat:DataService", **said, **description_of)
            return
        said["dct_accrualPeriodicity"] = self._frequency(found.update_frequency)
        said["dcat_distribution"] = self.node(
            f"{name}#distribution",
            "dcat:Distribution",
            dct_title=said["dct_title"],
            dcat_accessURL=link(name),
            dct_conformsTo=link(document),
            dct_rights=self._sharing(found.sharing_class),
            odrl_hasPolicy=self._policy(name, found),
        )
        self.node(name, "dcat:Dataset", **said)

    def _document(self, interface: Interface) -> str:
        template = self.info.document_url or f"{self.info.url.rstrip('/')}/{{id}}/document"
        named = template.replace("{id}", quote(interface.id, safe=""))
        return named.replace("{version}", quote(interface.version, safe=""))

    def _department(self, interface: Interface, found: CatalogueEntry) -> dict[str, str] | None:
        department = interface.department or found.department
        if not department:
            return None
        title = self.info.departments.get(department) or {"en": department}
        return self.agent(f"urn:tongban:department:{department}", title, found.uscc)

    def _rights(self, found: CatalogueEntry) -> dict[str, str] | None:
        if found.sharing_class not in SHARING_CLASSES and found.open_to_public is None:
            return None
        word = "PUBLIC" if found.open_to_public else "NON_PUBLIC" if found.sharing_class == "3" else "RESTRICTED"
        return self.node(f"{_AUTHORITY}/access-right/{word}", "dct:RightsStatement")

    def _sharing(self, code: str) -> dict[str, str] | None:
        if code not in SHARING_CLASSES:
            return None
        label = literals(SHARING_CLASSES[code])
        return self.node(f"urn:tongban:sharing-class:{code}", "dct:RightsStatement", rdfs_label=label)

    def _frequency(self, code: str) -> dict[str, str] | None:
        word = _FREQUENCIES.get(code)
        return self.node(f"{_AUTHORITY}/frequency/{word}", "dct:Frequency") if word else None

    def _law(self, law: str, article: str) -> dict[str, str]:
        title = f"{law} 第{article}条" if article.isdecimal() else f"{law} {article}".strip()
        name = f"urn:tongban:law:{quote(law, safe='')}" + (f":{quote(article, safe='')}" if article else "")
        return self.node(name, "eli:LegalResource", dct_title=literals({"zh_CN": title}))

    def _theme(self, path: str) -> dict[str, str] | None:
        if not path:
            return None
        name = f"urn:tongban:resource-kind:{quote(path, safe='')}"
        return self.node(name, "skos:Concept", skos_prefLabel=literals({"zh_CN": path}))

    def _policy(self, target: str, found: CatalogueEntry) -> dict[str, str] | None:
        use = say(found.use) or say(found.scope)
        if found.sharing_class != "2" or not use:
            return None
        purpose = self.node(
            f"{target}#purpose",
            "odrl:Constraint",
            odrl_leftOperand=link("odrl:purpose"),
            odrl_operator=link("odrl:eq"),
            odrl_rightOperand=[{"@value": use}],
        )
        permission = self.node(
            f"{target}#permission",
            "odrl:Permission",
            odrl_action=link("odrl:use"),
            odrl_target=link(target),
            odrl_constraint=purpose,
        )
        return self.node(f"{target}#offer", ["odrl:Policy", "odrl:Offer"], odrl_permission=permission)


def _word(keyword: str) -> str:
    return keyword.replace("_", ":", 1)


def _date(text: str) -> dict[str, str] | None:
    try:
        return typed(date.fromisoformat(text).isoformat(), "xsd:date")
    except ValueError:
        return None


def _tags(interface: Interface) -> list[str]:
    written = interface.document.value
    listed = written.get("tags") if isinstance(written, dict) else None
    named = [one.get("name") if isinstance(one, dict) else one for one in listed] if isinstance(listed, list) else []
    return list(dict.fromkeys(one for one in named if isinstance(one, str) and one.strip()))
