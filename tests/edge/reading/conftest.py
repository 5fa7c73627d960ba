"""How many damaged files a test has tried goes into the report."""

from collections import Counter

import pytest


@pytest.fixture
def tried(record_property):
    """Counts, of each format, the damaged files that were ``read`` and those that were ``refused``."""
    counts = Counter()
    yield counts
    for kind in sorted({kind for kind, _ in counts}):
        read, refused = counts[kind, "read"], counts[kind, "refused"]
        record_property("damaged files", f"{kind}: {read + refused} tried, {read} read, {refused} refused")
