"""Published interfaces made callable: `Sandbox` answers, `serve` puts it on a port."""

from mockdata.sandbox.sandbox import Sandbox, request_of

__all__ = ["Sandbox", "request_of"]
