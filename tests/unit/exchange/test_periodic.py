"""Rounds come again whatever the last one did."""

import logging
import threading

from exchange.periodic import every


def test_a_failing_round_is_logged_and_the_next_one_comes(caplog):
    done, stop, rounds = threading.Event(), threading.Event(), []

    def work():
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise OSError("the disk is full")
        done.set()

    with caplog.at_level(logging.ERROR, "exchange.periodic"):
        logging.getLogger("exchange").propagate = True
        thread = every(0.01, work, stop, "clocks")
        assert done.wait(5)
        stop.set()
        thread.join(5)
    assert not thread.is_alive()
    (record,) = [one for one in caplog.records if one.name == "exchange.periodic"]
    assert record.fields == {"round": "clocks"}
    assert "the disk is full" in caplog.text
