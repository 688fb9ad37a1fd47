"""Cases every matter has: repeated submissions, strangers, requests out of form, departments that fail, attacks."""

LABELS = (
    "fault.branch", "fault.trunk", "fault.resume", "fault.check", "fault.first-write", "fault.slow", "fault.late",
    "fault.too-many", "fault.check-too-many", "fault.cut", "fault.cut-first", "fault.restart", "once.repeat",
    "once.other-body", "once.at-once", "access.read-back", "access.foreign-token", "access.foreign-resumption",
    "access.same-key", "access.same-key/other", "access.no-token", "access.bad-token", "access.expired-token",
    "access.gateway", "access.smuggled", "input", "facts.deciding", "facts.changed", "facts.indifferent", "unwatched",
    "security.canaries", "load", "resume.settled",
)  # fmt: skip
"""Whom the general cases are about: every world has an application of its own for each of these labels."""
