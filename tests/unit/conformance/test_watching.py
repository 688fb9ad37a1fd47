import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from conformance.watching import change, stamps


class Well(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


def served(port: int = 0) -> HTTPServer:
    server = HTTPServer(("127.0.0.1", port), Well)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def ended(server: HTTPServer) -> None:
    server.shutdown()
    server.server_close()


def test_a_written_file_is_noticed_and_caches_are_passed_over(tmp_path) -> None:
    (tmp_path / "app.py").write_text("1")
    (tmp_path / "__pycache__").mkdir()
    before = stamps([tmp_path])
    assert list(before) == [str(tmp_path / "app.py")]
    (tmp_path / "__pycache__" / "app.pyc").write_text("x")
    assert stamps([tmp_path]) == before
    (tmp_path / "app.py").write_text("22")
    server = served()
    said = change(f"http://127.0.0.1:{server.server_port}", [tmp_path], before, sleep=lambda _: None)
    ended(server)
    assert said == f"{tmp_path / 'app.py'} was written"


def test_a_restart_is_noticed_once_the_app_is_up_again() -> None:
    first = served()
    port = first.server_port
    rounds: list[int] = []
    later: list[HTTPServer] = []

    def sleep(_: float) -> None:
        rounds.append(1)
        if len(rounds) == 2:
            ended(first)
        if len(rounds) == 4:
            later.append(served(port))

    assert change(f"http://127.0.0.1:{port}", [], {}, sleep=sleep) == "the app was restarted"
    ended(later[0])
    assert len(rounds) == 4
