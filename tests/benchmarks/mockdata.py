"""The twelve-column person table against the writer and the peers, look-ups, memory, and the JSON Schema test suite.

`TONGBAN_BENCH_ROWS` (default 4194304) sizes the tables, `TONGBAN_BENCH_LARGE` (default 100000000) the one that memory
is measured on. Peers are installed into a folder of the benchmark's own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from exchange.bench import load, row

HERE = Path(__file__).parent
ROWS = int(os.environ.get("TONGBAN_BENCH_ROWS", 4_194_304))
LARGE = int(os.environ.get("TONGBAN_BENCH_LARGE", 100_000_000))
RUNS = 5

_PRELUDE = f"""
import json, os, resource, sys, time
from pathlib import Path
import specs
from mockdata.tables.plan import plan
def persons():
    return plan(specs.read(Path({str(HERE / "persons.odcs.yaml")!r})))
def told(**values):
    print(json.dumps(values))
"""

_WRITER = """
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from mockdata.tables.generate import generate
from mockdata.tables.write import write_batches
made, rows, folder = persons(), int(sys.argv[1]), Path(sys.argv[2])
def timed(batches):
    began = time.perf_counter()
    write_batches(made, batches, folder / "x.parquet", "parquet")
    return time.perf_counter() - began
memory = list(generate(made, 0, rows))
runs = []
for _ in range(int(sys.argv[3])):
    alone, both = timed(memory), timed(generate(made, 0, rows))
    began = time.perf_counter()
    for _ in generate(made, 0, rows):
        pass
    runs.append([alone, both, time.perf_counter() - began])
told(runs=runs)
"""

_WORKERS = """
from mockdata.tables.write import write
made, rows, folder, workers = persons(), int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
if workers == 1:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
began = time.perf_counter()
write(made, rows, folder / "x.parquet", force=True, workers=workers)
told(seconds=time.perf_counter() - began)
"""

_MEMORY = """
from mockdata.tables.write import write
write(persons(), int(sys.argv[1]), Path(sys.argv[2]) / "x.parquet")
told(mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""

_LOOKUP = """
import statistics
import numpy as np
began = time.perf_counter()
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
from mockdata.population import Population
country = Population(1)
opened, mib = time.perf_counter() - began, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) / 1024
index = (np.arange(200_000) * 7919 * 1009) % country.size
numbers = country.persons(index, ["citizen_number"])["citizen_number"]
assert (country.index_of(numbers[:1000]) == index[:1000]).all()
batch, alone, record = [], [], []
for k in range(0, 200_000, 1000):
    part = numbers[k:k + 1000]
    began = time.perf_counter(); country.index_of(part); batch.append((time.perf_counter() - began) / 1000)
for number in numbers[:400].to_pylist():
    began = time.perf_counter(); country.index_of([number]); alone.append(time.perf_counter() - began)
for number in numbers[400:800].to_pylist():
    began = time.perf_counter(); country.person(number, ["name", "birth_date", "address"])
    record.append(time.perf_counter() - began)
told(opened=opened, mib=mib, batch=statistics.median(batch), alone=statistics.median(alone),
     record=statistics.median(record))
"""

_FAKER = """
import random
from faker import Faker
fake = Faker("zh_CN"); rows = int(sys.argv[1])
def one():
    return (fake.unique.ssn(), fake.name(), fake.random_element("12"), fake.date_of_birth(),
        fake.random_element("0123"), fake.postcode(), fake.address(), fake.phone_number(), fake.email(), fake.company(),
        fake.pydecimal(left_digits=5, right_digits=2, positive=True), fake.date_time_this_decade())
one(); began = time.perf_counter()
table = [one() for _ in range(rows)]
told(seconds=time.perf_counter() - began)
"""

_MIMESIS = """
sys.path.insert(0, sys.argv[2])
from mimesis import Field, Generic, Schema
from mimesis.locales import Locale
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
field, m, rows = Field(Locale.ZH), Generic(Locale.ZH), int(sys.argv[1])
def citizen_id(random, born, k):
    number = f"110101{born:%Y%m%d}{k % 1000:03d}"
    return number + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(number, WEIGHTS)) % 11]
field.register_handler("citizen_id", citizen_id)
def declared():
    born = field("person.birthdate")
    return {"citizen_id": field("citizen_id", born=born, k=m.random.randrange(999)),
        "name": field("person.full_name"), "sex": field("choice", items=("1", "2")), "birth_date": born,
        "ethnic": field("choice", items=("01", "02")),
        "division": field("address.postal_code"), "address": field("address.address"),
        "mobile": field("person.phone_number"), "email": field("person.email"), "employer": field("finance.company"),
        "income": field("finance.price"), "registered_at": field("datetime.datetime")}
def bare(k):
    born = m.person.birthdate()
    return (citizen_id(None, born, k), m.person.full_name(), m.random.choice("12"), born, m.random.choice("0123"),
        m.address.postal_code(), m.address.address(), m.person.phone_number(), m.person.email(),
        m.finance.company(), m.finance.price(), m.datetime.datetime())
declared(); bare(0)
began = time.perf_counter()
table = Schema(schema=declared, iterations=rows).create()
schema = time.perf_counter() - began
began = time.perf_counter()
table = [bare(k) for k in range(rows)]
told(schema=schema, bare=time.perf_counter() - began)
"""


def measure() -> list[dict[str, Any]]:
    """Rows for `exchange.bench`."""
    return [*_table(), *_lookups(), *_memory(), *load("instances").measure()]


def _child(code: str, *arguments: object) -> dict[str, Any]:
    command = [sys.executable, "-c", _PRELUDE + code, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _table() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        runs = _child(_WRITER, min(ROWS, 2_097_152), folder, RUNS)["runs"]
        rows = min(ROWS, 2_097_152)
        alone, both, making = (statistics.median(run[k] for run in runs) for k in range(3))
        share = statistics.median(run[0] / run[1] for run in runs)
        faker = 3_000 / _child(_FAKER, 3_000)["seconds"]
        written = rows / both
        found = [
            row("writing the table from memory", round(rows / alone), "rows/s", "", None, "", None),
            row("generating alone", round(rows / making), "rows/s", "the writer", round(alone / making, 2), "", None),
            row("generating and writing", round(written), "rows/s", "the writer", round(share, 2), ">= 0.75",
                share >= 0.75),
            row("… against a Faker loop", round(written), "rows/s", f"{faker:,.0f} rows/s", round(written / faker),
                ">= 200", written >= 200 * faker),
            *_mimesis(written, folder),
        ]  # fmt: skip
        pairs = [[_child(_WORKERS, 8 * ROWS, folder, workers)["seconds"] for workers in (1, 2)] for _ in range(3)]
        gain = statistics.median(one / two for one, two in pairs)
        found.append(
            row("two cores", round(8 * ROWS / statistics.median(two for _, two in pairs)), "rows/s", "one core",
                round(gain, 2), ">= 1.6", gain >= 1.6)
        )  # fmt: skip
    return found


def _mimesis(written: float, folder: str) -> list[dict[str, Any]]:
    """Against its declared way, `Schema` over `Field` with a handler for the number, and against its bare providers."""
    peers = Path(folder) / "peers"
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(peers), "mimesis==22.2.*"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        left = "left out: mimesis cannot be installed"
        return [row("… against Mimesis", None, "rows/s", left, None, ">= 50", None)]
    seconds = _child(_MIMESIS, 5_000, peers)
    declared, bare = 5_000 / seconds["schema"], 5_000 / seconds["bare"]
    times = round(written / declared)
    own = round(written)
    return [
        row("… against Mimesis, Schema", own, "rows/s", f"{declared:,.0f} rows/s", times, ">= 50", times >= 50),
        row("… against Mimesis, bare", own, "rows/s", f"{bare:,.0f} rows/s", round(own / bare), "", None),
    ]


def _lookups() -> list[dict[str, Any]]:
    runs = [_child(_LOOKUP) for _ in range(3)]
    found = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    bars = (
        ("opening 1.4 billion persons", "opened", 1, "s", 1.0),
        ("… memory", "mib", 1, "MiB", 200),
        ("a key in batches of 1,000", "batch", 1e6, "µs", 50),
        ("a key alone", "alone", 1e3, "ms", 1.0),
        ("a person with three facts", "record", 1e3, "ms", None),
    )
    return [
        row(
            name,
            round(found[key] * factor, 3),
            unit,
            "" if bar is None else f"{bar} {unit}",
            None if bar is None else round(found[key] * factor / bar, 2),
            "" if bar is None else f"<= {bar}",
            None if bar is None else found[key] * factor <= bar,
        )
        for name, key, factor, unit, bar in bars
    ]


def _memory() -> list[dict[str, Any]]:
    peaks = {}
    for rows in (1_000_000, LARGE):
        with tempfile.TemporaryDirectory() as folder:
            peaks[rows] = _child(_MEMORY, rows, folder)["mib"]
    growth = peaks[LARGE] / peaks[1_000_000]
    return [
        row("peak memory, 1 million rows", round(peaks[1_000_000]), "MiB", "1024 MiB",
            round(peaks[1_000_000] / 1024, 2), "<= 1024", peaks[1_000_000] <= 1024),
        row(f"peak memory, {LARGE / 1e6:g} million rows", round(peaks[LARGE]), "MiB", "that for 1 million",
            round(growth, 2), "<= 1.2", growth <= 1.2 and peaks[LARGE] <= 1024),
    ]  # fmt: skip
