"""`tongban conform rederive`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.terminal import BAD_INPUT, NOT_PASSED, Live, document, report_in, stop
from conformance.cli.verify import public_key


def rederive(
    certificate: Annotated[Path, typer.Argument(help="The certificate file.")],
    reveal: Annotated[Path, typer.Argument(help="The report with its seeds revealed.")],
    key: Annotated[Path, typer.Option(help="Public key of the certifier: PEM, vkey or JWK.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a verdict again from its revealed seed, offline, and name the first difference.

    The hidden country is made anew, the same people are chosen, every expected answer is derived from the data and
    every recorded answer of the app is judged again.

    Example: tongban conform rederive certificate.json reveal.json --key certifier.pem
    """
    from conformance import suites
    from conformance.certificate import verify
    from conformance.envelope import CertificateError
    from conformance.rederive import RederiveError, check
    from conformance.rederive import rederive as again
    from conformance.run import RunError

    made, report, public = document(certificate, "certificate"), report_in(reveal), public_key(key)
    try:
        found = verify(made, public, now=None)  # seeds are revealed when a certificate has ended: no objection here
        check(found, report)
        with Live() as live:
            result = again(suites.load(report.suite), report, progress=live.progress)
    except (CertificateError, RederiveError) as error:
        if as_json:
            print(json.dumps({"same": False, "reason": error.reason, "detail": str(error)}, ensure_ascii=False))
        stop(f"refused ({error.reason}): {error}", NOT_PASSED)
    except (suites.UnknownSuite, RunError) as error:
        stop(str(error), BAD_INPUT)
    if as_json:
        told = dataclasses.asdict(result) | {"same": result.difference is None}
        print(json.dumps(told, ensure_ascii=False, indent=1))
    elif result.difference is None:
        left = f"; not repeated: {', '.join(result.left_out)}" if result.left_out else ""
        print(
            f"the same: {result.expected} expected answers in {result.cases} cases follow from the revealed seeds, "
            f"committed to before the run{left}"
        )
    if result.difference is not None:
        stop(f"different: {result.difference}", NOT_PASSED)
