"""One dataset, whoever makes it: processes, threads, a Dask cluster, and any of them with a worker killed."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from mockdata.tables import journal
from mockdata.tables.plan import plan
from mockdata.tables.write import write
from specs.reading import read

ROLLS = Path("tests/data/rolls.odcs.yaml").absolute()
ROWS, PART = 20_000, 500
COMMAND = [sys.executable, "-c", "from mockdata.cli import app; app()"]
GENERATE = [*COMMAND, "generate", str(ROLLS), "--table", "rolls", "--seed", "9", "--part-rows", str(PART)]
TARGET = "tax.rolls.rolls.parquet"

CLUSTER = """
import json, os, sys, tempfile
import distributed
if __name__ == "__main__":
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=tempfile.mkdtemp()
    ) as cluster, distributed.Client(cluster) as client:
        workers = list(client.run(os.getpid).values())
        print(json.dumps({"address": cluster.scheduler_address, "workers": workers}), flush=True)
        sys.stdin.read()
"""


@pytest.fixture(scope="module")
def rolls():
    return plan(read(ROLLS), "rolls", seed=9)


@pytest.fixture(scope="module")
def alone(rolls, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    write(rolls, ROWS, folder / TARGET, part_rows=PART)
    return digests(folder)


@pytest.fixture
def cluster(tmp_path):
    """Address of a Dask cluster of two processes, and their numbers."""
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    with (tmp_path / "cluster.txt").open("w") as told:
        process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=told, env=environment
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            found = json.loads(process.stdout.readline())
            yield found["address"], found["workers"]
        finally:
            process.stdin.close()
            process.stdout.close()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def after(parts, folder, process):
    """Wait until so many parts are finished."""
    hidden = journal.hidden(folder / TARGET)
    deadline = time.monotonic() + 90
    while not (hidden / "journal").exists() or journal.finished(hidden) < parts:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("workers", [2, 7])
def test_processes(rolls, alone, tmp_path, workers):
    write(rolls, ROWS, tmp_path / TARGET, part_rows=PART, workers=workers)
    assert digests(tmp_path) == alone


def test_threads_and_a_given_pool(rolls, alone, tmp_path):
    with ThreadPoolExecutor(3) as threads, ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        for name, executor in {"threads": threads, "processes": processes}.items():
            write(rolls, ROWS, tmp_path / name / TARGET, part_rows=PART, executor=executor)
            assert digests(tmp_path / name) == alone


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_any_partitioning_has_the_same_rows(rolls, tmp_path, parts):
    write(rolls, ROWS, tmp_path / "rolls.csv", "csv", part_rows=-(-ROWS // parts))
    files = sorted((tmp_path / "rolls.csv").iterdir()) if parts > 1 else [tmp_path / "rolls.csv"]
    lines = [line for path in files for line in path.read_bytes().splitlines(keepends=True)[1:]]
    write(rolls, ROWS, tmp_path / "whole.csv", "csv")
    assert len(files) == parts
    assert b"".join(lines) == (tmp_path / "whole.csv").read_bytes().partition(b"\n")[2]


def test_a_killed_local_worker_changes_nothing(alone, tmp_path):
    command = [*GENERATE, "--rows", str(ROWS), "--workers", "2", "--out", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    after(3, tmp_path, process)
    workers = [child for child in children(process.pid) if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
    os.kill(workers[0], signal.SIGKILL)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert f"{ROWS:,} rows" in out
    assert digests(tmp_path) == alone


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_cluster_that_loses_a_worker_changes_nothing(alone, tmp_path, cluster):
    address, workers = cluster
    out = tmp_path / "out"
    command = [*GENERATE, "--rows", str(ROWS), "--dask", address, "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    after(3, out, process)
    os.kill(workers[0], signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert digests(out) == alone
    again = subprocess.run([*command[:-1], str(tmp_path / "again")], capture_output=True, text=True, check=True)
    assert again.stderr == ""
    assert digests(tmp_path / "again") == alone


def test_no_cluster_is_one_line(tmp_path):
    command = [*GENERATE, "--rows", "10", "--dask", "tcp://127.0.0.1:1", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr.splitlines()[0].startswith("tongban: no Dask scheduler answers at tcp://127.0.0.1:1")
    assert "dask scheduler" in done.stderr.splitlines()[1]
    assert len(done.stderr.splitlines()) == 2
    assert os.listdir(tmp_path) == []
