"""`tongban mock tail`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from mockdata.cli.output import ENVIRONMENT, USAGE, end, faults

_HOSTED = re.compile(r"/(?:api/v1/)?sandboxes/(sbx_[0-9a-z]+)")


def tail(
    url: Annotated[str, typer.Argument(metavar="URL", help="Address of a served sandbox, or of a hosted one.")],
    key: Annotated[
        str | None, typer.Option(help="Key of a hosted sandbox, a token of the API, or of a control API.")
    ] = None,
    calls: Annotated[int, typer.Option(min=0, help="End after so many calls; 0: never.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print each call as a line of JSON.")] = False,
) -> None:
    """Follow the calls of a running sandbox, one line each, until interrupted.

    Example: tongban mock tail http://127.0.0.1:8080
    """
    with faults():
        from urllib.error import HTTPError, URLError
        from urllib.request import Request, urlopen

        headers = {"Accept": "text/event-stream"} | ({"Authorization": f"Bearer {key}"} if key else {})
        seen, last = 0, ""
        try:
            while True:
                more = {"Last-Event-ID": last} if last else {}
                with urlopen(Request(_events(url), headers=headers | more), timeout=60) as stream:
                    for id, call in _calls(line.decode("utf-8", "replace") for line in stream):
                        last = id
                        _show(call, as_json)
                        seen += 1
                        if calls and seen >= calls:
                            return
                if not last:
                    return
        except HTTPError as error:
            hint = "give its key with --key" if error.code in (401, 403, 404) else ""
            end(ENVIRONMENT, f"{url}: answered {error.code} {error.reason}", hint)
        except URLError as error:
            end(ENVIRONMENT, f"{url}: {error.reason}", "is the sandbox running there?")
        except OSError:
            end(ENVIRONMENT, f"{url}: the connection ended", "is the sandbox still running?")


def _events(url: str) -> str:
    """Where the events of a sandbox are: of a hosted one below the API, of a served one below /.tongban/."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        end(USAGE, f"{url!r} is no address", "for example http://127.0.0.1:8080")
    base = f"{parts.scheme}://{parts.netloc}"
    hosted = _HOSTED.match(parts.path)
    return f"{base}/api/v1/sandboxes/{hosted[1]}/events" if hosted else f"{base}/.tongban/events"


def _calls(lines: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The calls in a stream of Server-Sent Events, each with its id."""
    id, data = "", ""
    for line in lines:
        name, _, value = line.rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            id = value
        elif name == "data":
            data += value
        elif not name and not value and data:
            yield id, json.loads(data)
            data = ""


def _show(call: dict[str, Any], as_json: bool) -> None:
    from mockdata.sandbox.calls import line

    print(json.dumps(call, ensure_ascii=False) if as_json else line(call), flush=True)
