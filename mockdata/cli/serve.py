"""`tongban mock serve`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from mockdata.cli.output import BAD_INPUT, ENVIRONMENT, USAGE, end, faults

if TYPE_CHECKING:
    import socket

    from mockdata.sandbox.clock import VirtualClock
    from mockdata.sandbox.control import Controlled
    from mockdata.sandbox.record import Call, Recorder
    from mockdata.sandbox.sandbox import Sandbox

CALLS_KEPT = 1000
SECRET = "MOCK_SECRET"
"""Environment variable that may hold the secret; a command line is read by everybody on a machine."""
SHORTEST_SECRET = 16


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
    plan: Annotated[
        str | None, typer.Option("--faults", metavar="FILE|JSON", help="Fault plan from the start on.")
    ] = None,
    clock: Annotated[
        str | None, typer.Option(metavar="TIME|DURATION", help="Virtual clock: 2027-12-01, or P13M from now.")
    ] = None,
    har: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"Write the last {CALLS_KEPT} calls as HAR at the end.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="Token of the control API; made up when others can reach this address.")
    ] = None,
    send_to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST",
            help="Public host that callbacks and webhooks may reach, beside this machine and its networks.",
        ),
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=f"Secret that signs issued tokens; else ${SECRET}, else one from the seed."),
    ] = None,
    issued_only: Annotated[
        bool, typer.Option("--issued-only", help="Accept only tokens of the sandbox's own token endpoint.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no line for each call.")] = False,
) -> None:
    """Answer every documented operation of APIs; one alone at the root, several below /{interface id}.

    Each call is printed as it comes. Below /.tongban/ the sandbox is watched and changed (docs/sandbox-control.md).

    Example: tongban mock serve petstore.yaml --port 8080
    """
    with faults():
        import signal

        import uvicorn

        from mockdata.sandbox.clock import VirtualClock
        from mockdata.sandbox.control import Controlled
        from mockdata.sandbox.record import Recorder
        from mockdata.sandbox.sandbox import Sandbox, wall_clock
        from mockdata.sandbox.sending import BackgroundSender, Destinations
        from mockdata.sandbox.wire import OneWrite, settle

        read = [interface_of(spec) for spec in specs]
        apis = [one for one in read if one.operations]
        if not apis:
            end(
                BAD_INPUT,
                f"{', '.join(specs)}: no operations to answer",
                "only OpenAPI and Swagger documents have any",
            )
        if har is not None and not har.absolute().parent.is_dir():
            end(ENVIRONMENT, f"{har}: its folder does not exist", "make it first")
        secret = _secret(secret_file)
        virtual = VirtualClock(wall_clock)
        if clock is not None:
            _set(virtual, clock)
        departments = {one.id.partition(".")[0] for one in apis}
        sender = BackgroundSender(Destinations(allow=tuple(send_to or ())))

        def people(seed: str) -> Any:
            world = population_of(seed, population, as_of, identifiers, scenario)
            # one department's errors are in its answers as in its datasets
            return world.seen_by(next(iter(departments))) if len(departments) == 1 else world

        def make(seed: str, clock: VirtualClock, recorder: Recorder) -> Sandbox:
            def record(call: Call) -> None:
                recorder(call)
                if not quiet:
                    _print(call)

            bare = len(apis) == 1
            return Sandbox(
                apis, people(seed), seed=seed, clock=clock, recorder=record, bare=bare, authenticate=not open_,
                secret=secret, issued_only=issued_only, sender=sender,
            )  # fmt: skip

        listener = _listen(host, port)
        with listener:
            controlled = Controlled(
                make,
                seed,
                clock=virtual,
                recorder=Recorder(CALLS_KEPT),
                token=token or _token(host),
                personas=lambda seed: _personas(people(seed)),
            )
            if plan is not None:
                _plan(controlled, plan)
            base = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
            for one in apis:
                place = base if len(apis) == 1 else f"{base}/{one.id}"
                typer.echo(f"{one.id}: {len(one.operations)} operations at {place}", err=True)
            said = f" with the token {controlled.token}" if controlled.token and not token else ""
            typer.echo(f"control: {base}/.tongban/state{said}", err=True)
            config = uvicorn.Config(controlled, log_level="warning", lifespan="off", access_log=False, http=OneWrite,
                                    proxy_headers=False, timeout_graceful_shutdown=2)  # fmt: skip
            settle()
            if har is not None:  # an end that was asked for is a good end, and leaves the archive
                signal.signal(signal.SIGTERM, signal.default_int_handler)
            try:
                uvicorn.Server(config).run(sockets=[listener])
            except KeyboardInterrupt:  # uvicorn has ended in good order and says it was interrupted
                pass
            finally:
                if har is not None:
                    _write(har, controlled, base)


def _secret(path: Path | None) -> bytes | None:
    """The secret of a file or of the environment, None when there is neither."""
    import os

    if path is None and SECRET not in os.environ:
        return None
    said = str(path) if path is not None else f"${SECRET}"
    found = path.read_bytes().strip() if path is not None else os.environb[SECRET.encode()].strip()
    if len(found) < SHORTEST_SECRET:
        hint = "openssl rand -hex 32 makes a good one"
        end(BAD_INPUT if path is not None else USAGE, f"{said}: a secret has {SHORTEST_SECRET} bytes or more", hint)
    return found


def _listen(host: str, port: int) -> socket.socket:
    from mockdata.sandbox.serve import listen

    try:
        return listen(host, port)
    except OSError as error:
        end(
            ENVIRONMENT,
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            "choose another --port; 0 takes a free one",
        )


def _token(host: str) -> str | None:
    """None on an address only this machine can reach, else a fresh token."""
    import ipaddress
    import secrets

    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return None if local else secrets.token_urlsafe(24)


def _set(clock: VirtualClock, said: str) -> None:
    from mockdata.sandbox.clock import ClockError

    try:
        clock.change({"advance": said} if said.lstrip("+-").startswith("P") else {"set": said})
    except ClockError as error:
        end(USAGE, f"--clock: {error}")


def _plan(controlled: Controlled, said: str) -> None:
    from mockdata.sandbox.plans import PlanFault, plan_of

    inline = said.lstrip()[:1] in ("[", "{")
    text = said if inline else Path(said).read_text(encoding="utf-8")
    try:
        controlled.set_faults(plan_of(json.loads(text)))
    except PlanFault as error:
        end(USAGE if inline else BAD_INPUT, f"--faults: {error}", "docs/sandbox-control.md lists what can go wrong")
    except ValueError as error:
        end(USAGE if inline else BAD_INPUT, f"--faults: no JSON: {error}")


def _personas(population: Any) -> list[dict[str, Any]]:
    from mockdata.personas import personas

    return [one.to_json() for one in personas(population)]


def _print(call: Call) -> None:
    import contextlib

    from mockdata.sandbox.calls import line, shown

    with contextlib.suppress(OSError):  # nobody reads any more: serving goes on
        print(line(shown(call)), flush=True)


def _write(path: Path, controlled: Controlled, base: str) -> None:
    from mockdata.sandbox.calls import shown
    from mockdata.sandbox.har import har

    made = json.dumps(har([shown(call) for call in controlled.recorder.calls], base), ensure_ascii=False, indent=1)
    part = path.with_name(f".{path.name}.part")
    part.write_text(made, encoding="utf-8")
    part.replace(path)
    typer.echo(f"{path}: {len(controlled.recorder.calls)} calls", err=True)
