"""Database URLs, and how they may be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

KINDS = {"sqlite": "sqlite", "duckdb": "duckdb", "postgresql": "postgresql", "postgres": "postgresql"}
_KNOWN = "sqlite:///FILE, duckdb:///FILE or postgresql://USER@HOST/DATABASE"


class AddressError(ValueError):
    """A text that is no database URL. The text itself is not told: it may hold a password."""

    hint = f"give {_KNOWN}"


@dataclass(frozen=True, slots=True)
class Address:
    """A database: `kind` sqlite, duckdb or postgresql; `path` of a file, or `url` for the driver."""

    kind: str
    shown: str
    path: Path | None = None
    url: str = field(default="", repr=False)

    @staticmethod
    def of(text: str) -> Address:
        """The address a URL names: `sqlite:///here.db`, `sqlite:////abs/there.db`, `postgresql://user@host/name`.

        Raises AddressError.
        """
        scheme, separator, rest = text.partition("://")
        kind = KINDS.get(scheme.partition("+")[0])
        if not separator or kind is None:
            raise AddressError(f"no database URL of a known kind: {scheme[:20] if separator else 'no scheme://'}")
        if kind == "postgresql":
            try:
                return Address(kind, _without_password(f"postgresql://{rest}"), url=f"postgresql://{rest}")
            except ValueError:
                raise AddressError("the database URL cannot be read") from None
        path = unquote(rest.partition("?")[0])
        if not path.startswith("/") or len(path) < 2:
            raise AddressError(f"a {kind} database is a file")
        return Address(kind, f"{kind}://{path}", path=Path(path[1:]))


def _without_password(url: str) -> str:
    """The URL with neither password nor options, which may hold one too. Raises ValueError."""
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return f"postgresql://{user}{host}{port}{parts.path}"
