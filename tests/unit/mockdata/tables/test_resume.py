"""Interrupted runs: what they finished is found again, and the result is as if nothing had happened."""

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mockdata.tables import journal
from mockdata.tables.plan import plan
from mockdata.tables.space import NoSpace
from mockdata.tables.write import write
from specs.reading import read

ROLLS = Path("tests/data/rolls.odcs.yaml").absolute()
ROWS, PART = 4000, 500
COMMAND = [sys.executable, "-c", "from mockdata.cli import app; app()"]

KILLED = f"""
import os, signal, sys
from pathlib import Path
from mockdata.tables.plan import plan
from mockdata.tables.write import write
from specs.reading import read
told = []
def progress(rows):
    told.append(rows)
    if len(told) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    made = plan(read(Path({str(ROLLS)!r})), "rolls", seed=9)
    write(made, {ROWS}, Path(sys.argv[1]), "csv", part_rows={PART}, workers=int(sys.argv[2]), progress=progress)
"""


@pytest.fixture(scope="module")
def rolls():
    return plan(read(ROLLS), "rolls", seed=9)


@pytest.fixture(scope="module")
def whole(rolls, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    write(rolls, ROWS, folder / "rolls.csv", "csv", part_rows=PART)
    return digests(folder)


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def killed(target, workers=1):
    """A run that kills itself when three parts are done, and leaves no process."""
    script = target.with_name("run.py")
    script.write_text(KILLED)
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    command = [sys.executable, str(script), str(target), str(workers)]
    process = subprocess.Popen(command, start_new_session=True, env=environment)
    assert process.wait(60) == -signal.SIGKILL
    script.unlink()
    for _ in range(300):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("workers outlive their parent")


@pytest.fixture(scope="module", params=[1, 2])
def of_workers(request, tmp_path_factory):
    """What a killed run of one process, and of two, left behind."""
    folder = tmp_path_factory.mktemp("killed")
    killed(folder / "rolls.csv", request.param)
    return folder


def test_a_killed_run_is_continued(rolls, whole, of_workers, tmp_path):
    target = tmp_path / "rolls.csv"
    shutil.copytree(of_workers, tmp_path, dirs_exist_ok=True)
    hidden = journal.hidden(target)
    assert os.listdir(tmp_path) == [hidden.name]
    finished = journal.finished(hidden)
    assert 2 <= finished < ROWS // PART
    kept = sorted(hidden.glob("part-*.csv"))
    stamps = {path.name: path.stat().st_mtime_ns for path in kept}
    kept[0].write_bytes(kept[0].read_bytes()[:-1])  # a part that is not what its note says does not count
    (hidden / ".abc.partial").write_text("half a part")
    told = []
    write(rolls, ROWS, target, "csv", part_rows=PART, progress=told.append)
    assert told[0] == PART * (finished - 1)
    assert sum(told) == ROWS
    assert digests(tmp_path) == whole
    again = {path.name for path in target.iterdir() if path.stat().st_mtime_ns != stamps.get(path.name)}
    assert again == {path.name for path in target.iterdir()} - stamps.keys() | {kept[0].name}


@pytest.mark.parametrize("of_workers", [1], indirect=True)
@pytest.mark.parametrize("change", ["seed", "rows", "part_rows", "encoding", "version"])
def test_parts_of_another_run_are_not_used(rolls, of_workers, tmp_path, change, monkeypatch):
    target = tmp_path / "rolls.csv"
    shutil.copytree(of_workers, tmp_path, dirs_exist_ok=True)
    other, options = rolls, {"rows": ROWS, "part_rows": PART, "encoding": "utf-8"}
    match change:
        case "seed":
            other = plan(read(ROLLS), "rolls", seed=10)
        case "rows":
            options["rows"] = ROWS + 1
        case "part_rows":
            options["part_rows"] = PART // 2
        case "encoding":
            options["encoding"] = "gb18030"
        case "version":
            monkeypatch.setattr("mockdata.tables.plan.generator_version", lambda: "another")
    before = digests(tmp_path)
    rows = options.pop("rows")
    with pytest.raises(journal.Unfinished) as told:
        write(other, rows, target, "csv", **options)
    assert told.value.filename == str(journal.hidden(target))
    assert digests(tmp_path) == before
    heard = []
    write(other, rows, target, "csv", force=True, progress=heard.append, **options)
    assert heard[0] == options["part_rows"]
    assert not journal.hidden(target).exists()
    write(other, rows, tmp_path / "fresh" / "rolls.csv", "csv", **options)
    (tmp_path / "fresh" / "rolls.csv.manifest.json").unlink()
    fresh = {name.removeprefix("fresh/"): digest for name, digest in digests(tmp_path).items() if "fresh/" in name}
    assert fresh.items() <= digests(tmp_path).items()


def test_two_runs_at_once_do_not_meet(rolls, tmp_path):
    target = tmp_path / "rolls.csv"
    with journal.opened(target, {"run": 1}), pytest.raises(journal.Busy) as told:
        write(rolls, 10, target, "csv", force=True)
    assert told.value.errno == errno.EBUSY


def test_a_cancelled_command_says_what_is_kept_and_goes_on(tmp_path):
    arguments = ["generate", str(ROLLS), "--table", "rolls", "--rows", "30000", "--part-rows", "500"]
    command = [*COMMAND, *arguments, "--format", "csv", "--workers", "2", "--out", str(tmp_path / "a")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    hidden = journal.hidden(tmp_path / "a" / "tax.rolls.rolls.csv")
    deadline = time.monotonic() + 60
    while not (hidden / "journal").exists() or journal.finished(hidden) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    lines = err.splitlines()
    assert lines[0] == "tongban: cancelled"
    assert "of 60 parts are finished; the same command continues" in lines[1]
    assert len(lines) == 2
    assert os.listdir(tmp_path / "a") == [hidden.name]
    assert not list(hidden.glob(".*.partial"))
    subprocess.run(command, check=True, capture_output=True)
    subprocess.run([*command[:-1], str(tmp_path / "b")], check=True, capture_output=True)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of two megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = shutil.which("mount") and os.geteuid() == 0
    if not mounted or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_too_small_a_disk_is_told_before_work_starts(rolls, small_disk):
    with pytest.raises(NoSpace, match=r"about [\d.]+ MB are needed and [\d.]+ (MB|kB) are free"):
        write(rolls, 100_000, small_disk / "rolls.csv", "csv", progress=pytest.fail)
    assert os.listdir(small_disk) == []


def test_a_disk_that_fills_up_keeps_what_is_finished(rolls, whole, small_disk):
    target, ballast = small_disk / "rolls.csv", small_disk / "ballast"
    heard = []

    def fill(rows):
        heard.append(rows)
        if len(heard) < 2:
            return
        with ballast.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    with pytest.raises(OSError, match="No space left") as told:
        write(rolls, ROWS, target, "csv", part_rows=PART, progress=fill)
    assert told.value.errno == errno.ENOSPC
    assert told.value.__notes__ == ["1 of 8 parts are finished; the same command continues with the others"]
    assert sorted(os.listdir(small_disk)) == [".rolls.csv.unfinished", "ballast"]
    ballast.unlink()
    write(rolls, ROWS, target, "csv", part_rows=PART)
    assert digests(small_disk) == whole


@pytest.mark.parametrize("format", ["parquet", "csv", "jsonl", "arrow", "xlsx", "duckdb"])
def test_a_file_that_may_not_grow_is_one_line(tmp_path, format):
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)); "
    command = [sys.executable, "-c", f"{limited}from mockdata.cli import app; app()"]
    arguments = ["generate", str(ROLLS), "--table", "rolls", "--rows", "60000", "--format", format, "--out", tmp_path]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 2, done.stderr
    assert lines[0] == "tongban: File too large"
    assert "ulimit" in lines[1]
    assert os.listdir(tmp_path) == []


def test_manifests_say_what_a_run_was(rolls, tmp_path):
    write(rolls, 10, tmp_path / "rolls.csv", "csv")
    saved = json.loads((tmp_path / "rolls.csv.manifest.json").read_text())
    assert saved["options"] == {"encoding": "utf-8", "partition_by": [], "part_rows": 1_048_576, "parent_rows": None}
    assert len(saved["plan"]) == 64
