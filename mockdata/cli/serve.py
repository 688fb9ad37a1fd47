"""`tongban mock serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from mockdata.cli.asking import (
    PEOPLE,
    TODAY,
    AsOf,
    Identifiers,
    Mode,
    Scenario,
    Seed,
    Size,
    interface_of,
    population_of,
)
from mockdata.cli.output import BAD_INPUT, ENVIRONMENT, end, faults


def serve(
    specs: Annotated[list[str], typer.Argument(metavar="SPEC...", help="Interface ids or documents.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    seed: Seed = "1",
    population: Size = PEOPLE,
    as_of: AsOf = TODAY,
    identifiers: Mode = Identifiers.RESERVED,
    scenario: Scenario = None,
    open_: Annotated[bool, typer.Option("--open", help="Ask for no credentials.")] = False,
) -> None:
    """Answer every documented operation of APIs; one alone at the root, several below /{interface id}.

    Example: tongban mock serve petstore.yaml --port 8080
    """
    with faults():
        import socket

        import uvicorn

        from mockdata.sandbox import Sandbox

        read = [interface_of(spec) for spec in specs]
        apis = [one for one in read if one.operations]
        if not apis:
            end(
                BAD_INPUT,
                f"{', '.join(specs)}: no operations to answer",
                "only OpenAPI and Swagger documents have any",
            )
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(128)  # whoever reads the address below may call at once
        except OSError as error:
            end(
                ENVIRONMENT,
                f"cannot listen on {host}:{port}: {error.strerror}",
                "choose another --port; 0 takes a free one",
            )
        with listener:
            world = population_of(seed, population, as_of, identifiers, scenario)
            departments = {one.id.partition(".")[0] for one in apis}
            if len(departments) == 1:  # one department's errors are in its answers as in its datasets
                world = world.seen_by(departments.pop())
            sandbox = Sandbox(apis, world, seed=seed, bare=len(apis) == 1, authenticate=not open_)
            base = f"http://{host}:{listener.getsockname()[1]}"
            for one in apis:
                place = base if len(apis) == 1 else f"{base}/{one.id}"
                typer.echo(f"{one.id}: {len(one.operations)} operations at {place}", err=True)
            config = uvicorn.Config(sandbox, log_level="warning", lifespan="off", access_log=False)
            uvicorn.Server(config).run(sockets=[listener])
