"""Firmware bundles, each written and compiled once a session; tests without one import nothing of Keras."""

import pytest


@pytest.fixture(scope="session")
def single(tmp_path_factory):
    """Of a model of one lead."""
    from bundles import make_bundle

    return make_bundle(tmp_path_factory.mktemp("single"))


@pytest.fixture(scope="session")
def double(tmp_path_factory):
    """Of a model of two leads, which gives residuals, too."""
    from bundles import make_bundle

    return make_bundle(tmp_path_factory.mktemp("double"), leads=2, rebuilds=True)


@pytest.fixture(scope="session")
def beside(tmp_path_factory):
    """Of a model of beats beside their wearer's template, in two leads."""
    from bundles import make_bundle

    return make_bundle(tmp_path_factory.mktemp("beside"), leads=2, wearer=True)
