"""The fuzzing engine finds nothing in a sandbox of the library: a short round here, all of them by hand."""

import pytest

from conformance.fuzz import fuzz
from mockdata.population import Population
from mockdata.sandbox import Sandbox
from mockdata.sandbox.record import Recorder
from mockdata.sandbox.serve import ServedSandbox
from specs import library


@pytest.mark.parametrize("name", ["police.households"])
def test_a_library_sandbox_has_no_findings(name):
    interface, recorder = library.interfaces()[name], Recorder()
    sandbox = Sandbox([interface], Population("1", 20_000), bare=True, recorder=recorder)
    with ServedSandbox(sandbox) as served:
        found = fuzz(interface.document.text, served.url, {"Authorization": "Bearer any"}, seed=1, examples=1)
    assert found == ()
    statuses = {call.status for call in recorder.calls}
    assert {status // 100 for status in statuses} >= {2, 4}  # it was asked rightly and wrongly
    assert len(recorder.calls) > 20
