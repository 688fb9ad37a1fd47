"""RFC 3161 time stamps from a real authority: openssl behind an HTTP server of the test's own."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from exchange.errors import Invalid, Unavailable, Unprocessable
from exchange.keys import Keys
from exchange.ledger import cli, store
from exchange.ledger.attesting import Attesting
from exchange.ledger.cosigning import Cosigning
from exchange.ledger.service import Draft
from exchange.ledger.stamping import Stamping, signed_text

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl plays the authority")
CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
[extensions]
extendedKeyUsage = critical,timeStamping
[authority]
basicConstraints = critical,CA:true
"""


def openssl(folder: Path, *arguments: str) -> bytes:
    return subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """(address, root certificates) of a time-stamping authority; ``/bad`` answers nonsense."""
    folder = tmp_path_factory.mktemp("tsa")
    (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
    (folder / "serial").write_text("01\n")
    curve = ["-newkey", "rsa:2048", "-nodes", "-days", "2"]
    openssl(folder, "req", "-x509", *curve, "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=Test root")
    openssl(folder, "req", *curve[:-2], "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Test authority")
    signing = ["-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "2"]
    openssl(folder, "x509", "-req", "-in", "tsa.csr", *signing, "-extfile", "tsa.cnf", "-extensions", "extensions",
            "-out", "tsa.pem")  # fmt: skip

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            (folder / "query.tsq").write_bytes(body)
            made = b"no time stamp"
            if self.path != "/bad":
                made = openssl(folder, "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq")
            self.send_response(200)
            self.send_header("Content-Length", str(len(made)))
            self.end_headers()
            self.wfile.write(made)

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", folder / "root.pem"
    server.shutdown()
    thread.join()
    server.server_close()


def fill(services: Any) -> Any:
    with services.database.transaction() as tx:
        services.ledger.append_all(tx, [Draft("test.made", {})] * 3)
    return services.ledger.checkpoint()


def stamps(services: Any) -> list[tuple[int, str, bytes]]:
    with services.database.reading() as tx:
        return store.timestamps(tx)


def test_the_newest_checkpoint_is_stamped_once_an_hour(services: Any, authority: tuple[str, Path]) -> None:
    stamping = Stamping(services.ledger, *authority, every=timedelta(hours=1))
    stamping.round()
    assert stamps(services) == []  # nothing to stamp
    fill(services)
    stamping.round()
    fill(services)
    stamping.round()
    assert [size for size, _, _ in stamps(services)] == [3]
    services.clock.advance(minutes=61)
    stamping.round()
    services.clock.advance(minutes=61)
    stamping.round()  # the same checkpoint needs no second one
    assert [size for size, _, _ in stamps(services)] == [3, 6]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_stamp_is_checked_with_openssl(
    services: Any, authority: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fill(services)
    Stamping(services.ledger, *authority).round()
    for name in ("TONGBAN_WITNESSES", "TONGBAN_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TONGBAN_DATABASE_URL", services.database.url)
    monkeypatch.setenv("TONGBAN_HOME", str(tmp_path / "home"))
    Keys(tmp_path / "home").signing("ledger")
    told = CliRunner().invoke(cli.app, ["timestamps", str(tmp_path / "stamps")])
    assert "1 time stamps" in told.stdout, told.output
    assert (tmp_path / "stamps" / "3.checkpoint").read_bytes() == signed_text(made.note)
    check = ("ts", "-verify", "-in", "3.tsr", "-data", "3.checkpoint", "-CAfile", str(authority[1]))
    openssl(tmp_path / "stamps", *check)
    (tmp_path / "stamps" / "3.checkpoint").write_bytes(signed_text(made.note).replace(b"\n3\n", b"\n4\n"))
    with pytest.raises(subprocess.CalledProcessError):
        openssl(tmp_path / "stamps", *check)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_authority_that_fails_stops_nothing(
    services: Any, authority: tuple[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(services)
    bad = Stamping(services.ledger, f"{authority[0]}/bad", authority[1])
    with pytest.raises(Unprocessable, match="does not verify"):
        bad.round()
    openssl(
        tmp_path, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k", "-out", "o.pem", "-subj", "/CN=o"
    )
    with pytest.raises(Unprocessable, match="does not verify"):  # another root is trusted
        Stamping(services.ledger, authority[0], tmp_path / "o.pem").round()
    gone = Stamping(services.ledger, "http://127.0.0.1:9/", authority[1])
    attesting = Attesting(Cosigning(services.ledger, []), gone, seconds=0.02)
    attesting.start()
    while "no time stamp" not in caplog.text:
        threading.Event().wait(0.01)
    attesting.stop()
    attesting.check()
    assert stamps(services) == []
    fill(services)


def test_unfit_settings_are_told_at_once(services: Any, tmp_path: Path, authority: tuple[str, Path]) -> None:
    with pytest.raises(Invalid):
        Stamping(services.ledger, "file:///etc/passwd", authority[1])
    with pytest.raises(Unavailable, match="cannot be read"):
        Stamping(services.ledger, authority[0], tmp_path / "nothing.pem")
