"""Double precision for a test."""

import pytest
from small_windows import double_precision


@pytest.fixture
def float64():
    with double_precision():
        yield
