"""Rendering: one environment, one context for every page, one way to answer errors to a browser."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, select_autoescape

from exchange.errors import Forbidden, Unauthenticated
from exchange.parties.access import Access, Caller, may
from exchange.parties.gates import GATES
from exchange.parties.model import Kind
from exchange.portal import language
from specs import library

HERE = Path(__file__).parent


class Pages:
    """Renders templates in the reader's language. ``names`` gives a party's name in both languages."""

    def __init__(self, access: Access, names: Any) -> None:
        self.access, self.names = access, names

    def render(
        self, request: Request, caller: Caller | None, template: str, *, status: int = 200, **context: Any
    ) -> Response:
        """A page as a response; remembers a language asked for by ``?lang=`` in a cookie."""
        code = language.chosen(request)
        gettext = language.translations(code).gettext
        html = (
            _environment(code)
            .get_template(template)
            .render(
                request=request,
                lang=code,
                words=language.words(code),
                caller=caller,
                csrf=self.access.csrf(request),
                navigation=navigation(caller, gettext),
                party=lambda identifier: language.text(self.names(identifier), code),
                purpose=lambda said: language.text(purpose_text(said), code),
                **context,
            )
        )
        response = HTMLResponse(html, status_code=status, headers=HEADERS)
        if request.query_params.get("lang") in language.LANGUAGES:
            response.set_cookie("lang", code, max_age=31_536_000, samesite="lax")
        return response


@cache
def _environment(code: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(["html"]),
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(language.translations(code), newstyle=True)  # type: ignore[attr-defined]
    environment.filters["text"] = lambda value: language.text(value, code)
    environment.filters["day"] = lambda value: moment_text(value)[:10]
    environment.filters["minute"] = lambda value: moment_text(value)[:16]
    return environment


HEADERS: Mapping[str, str] = {
    # inline styles and ECharts' style attributes are ours; scripts only from our own files
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


CHINA = timezone(timedelta(hours=8))
"""Every page shows China Standard Time, wherever the service and the reader are; the footer says so."""


def moment_text(value: object) -> str:
    """``yyyy-MM-dd HH:mm`` in China Standard Time of a moment (RFC 3339 text or datetime); a plain day stays a day."""
    said = value.isoformat() if isinstance(value, datetime) else str(value)
    if len(said) <= 10:
        return said
    moment = datetime.fromisoformat(said)
    return (moment.astimezone(CHINA) if moment.tzinfo else moment).strftime("%Y-%m-%d %H:%M")


def signed_in(caller: Caller | None) -> Caller:
    """The caller. Raises `Unauthenticated` for nobody, which leads a browser to the sign-in page."""
    if caller is None:
        raise Unauthenticated("sign in first")
    return caller


def purpose_text(said: str) -> Mapping[str, str] | str:
    """A purpose in words."""
    # an app's agreements have its matter as purpose; all others say it in words
    return library.matter(said).title if said in library.matters() else said


EVERYBODY = frozenset(Kind)
OFFICES = frozenset({Kind.DEPARTMENT, Kind.DATA_OFFICE, Kind.OPERATOR})


def navigation(caller: Caller | None, gettext: Any) -> list[tuple[str, str]]:
    """The pages this reader can use, in reading order: those meant for their kind that the table lets them open."""
    meant = [
        ("/catalogue", gettext("Catalogue"), EVERYBODY),
        ("/market", gettext("App market"), EVERYBODY),
        ("/mine", gettext("My matters"), {Kind.PUBLIC}),
        ("/my-data", gettext("My data"), {Kind.PUBLIC}),
        ("/applications", gettext("Applications"), OFFICES),
        ("/flows", gettext("Flows"), OFFICES),
        ("/quality", gettext("Quality"), {Kind.DEPARTMENT}),
        ("/settlements", gettext("Settlements"), EVERYBODY),
        ("/testing", gettext("Sandboxes"), EVERYBODY),
        ("/datasets", gettext("Datasets"), EVERYBODY),
        ("/notices", gettext("Notices"), {Kind.DEPARTMENT, Kind.VENDOR}),
        ("/organisations", gettext("Organisations"), EVERYBODY),
        ("/ledger", gettext("Ledger"), EVERYBODY),
    ]
    shown = [(path, name) for path, name, kinds in meant if _opens(caller, path, kinds)]
    if caller is not None and ("/flows", gettext("Flows")) in shown:
        shown = [(path, name) for path, name in shown if path != "/quality"]  # the page of flows leads there
    if caller is not None and not _opens(caller, "/organisations", EVERYBODY) and may(caller, "party.client"):
        shown.insert(-1, (f"/organisations/{caller.party}", gettext("Organisation")))
    return shown


def _opens(caller: Caller | None, path: str, kinds: Collection[str]) -> bool:
    try:
        GATES["GET", path].admit(caller)
    except (Unauthenticated, Forbidden):
        return False
    return caller is None or caller.kind in kinds
