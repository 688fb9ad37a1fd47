"""Rounds come again whatever the last one did."""

import logging
import threading

from exchange.periodic import every


class Heard(logging.Handler):
    """What was logged."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


def test_a_failing_round_is_logged_and_the_next_one_comes():
    done, stop, rounds, heard = threading.Event(), threading.Event(), [], Heard()

    def work():
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise OSError("the disk is full")
        done.set()

    logger = logging.getLogger("exchange.periodic")
    logger.addHandler(heard)
    try:
        thread = every(0.01, work, stop, "a test of rounds")
        assert done.wait(5)
        stop.set()
        thread.join(5)
    finally:
        logger.removeHandler(heard)
    assert not thread.is_alive()
    (record,) = [one for one in heard.records if one.fields == {"round": "a test of rounds"}]
    assert str(record.exc_info[1]) == "the disk is full"
