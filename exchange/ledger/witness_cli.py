"""``tongban witness``: the second process. It needs no database and sees no entry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import socket

    from starlette.applications import Starlette

    from exchange.ledger.witness import Witness

EXAMPLE = 'Example: tongban witness --name audit.example/witness --log "$(cat ledger.vkey)"'


def witness(
    name: Annotated[str, typer.Option(help="Name of this witness: a URL without its scheme.")],
    log: Annotated[list[str], typer.Option(metavar="VKEY", help="Verifier key of a ledger to watch; may be repeated.")],
    home: Annotated[Path, typer.Option(help="Folder of its key and of what it has seen.")] = Path(".tongban-witness"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8010,
) -> None:
    """Watch ledgers: remember the last checkpoint of each, cosign only what extends it.

    Run it where the ledger's operator cannot reach; the operator sets TONGBAN_WITNESSES to its address and key.
    """
    import time

    import uvicorn

    from exchange.keys import Keys
    from exchange.ledger import note
    from exchange.ledger.witness import Witness

    logs = [note.read_vkey(text) for text in log]
    key = note.CosigningKey(name, Keys(home).signing("witness"))
    watching = Witness(home / "seen", key, logs, time.time)
    with _listen(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        typer.echo(f"witness {name} serves http://{shown}:{listener.getsockname()[1]}", err=True)
        typer.echo(f"vkey {key.vkey}", err=True)
        config = uvicorn.Config(application(watching), log_level="warning", lifespan="off", access_log=False,
                                timeout_graceful_shutdown=2, server_header=False)  # fmt: skip
        uvicorn.Server(config).run(sockets=[listener])


def application(watching: Witness) -> Starlette:
    """The witness over HTTP (ASGI): ``add-checkpoint`` for ledgers, ``checkpoint/<origin>`` for auditors."""
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse, Response
    from starlette.routing import Route

    from exchange.ledger.witness import LIMIT

    async def add(request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > LIMIT:
                return PlainTextResponse("the request is too large\n", status_code=413)
        answer = await run_in_threadpool(watching.add_checkpoint, bytes(body))
        return Response(answer.body, status_code=answer.status, headers={"Content-Type": answer.type})

    def kept(request: Request) -> Response:
        found = watching.kept(request.path_params["origin"])
        if found is None:
            return PlainTextResponse("nothing seen of this log\n", status_code=404)
        return PlainTextResponse(found, headers={"Cache-Control": "no-store"})

    def vkey(_request: Request) -> Response:
        return PlainTextResponse(f"{watching.key.vkey}\n")

    return Starlette(
        routes=[
            Route("/add-checkpoint", add, methods=["POST"]),
            Route("/checkpoint/{origin:path}", kept),
            Route("/vkey", vkey),
        ]
    )


def _listen(host: str, port: int) -> socket.socket:
    from exchange.errors import Unavailable
    from mockdata.sandbox.serve import listen

    try:
        return listen(host, port)
    except OSError as error:
        raise Unavailable(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            hint="choose another --port; 0 takes a free one",
        ) from error
