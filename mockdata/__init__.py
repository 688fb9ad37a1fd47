"""Believable data for an interface."""

import os

# Arrow's allocator reads this when pyarrow is first imported. By default it gives memory back after 10 ms, and the next
# batch pays for it in page faults: 4 % of the time of a large dataset.
os.environ.setdefault("MIMALLOC_PURGE_DELAY", "1000")
