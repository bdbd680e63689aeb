"""Options of the test run, and where it keeps what it compiles."""

import os

import pytest
from hypothesis import HealthCheck, settings

# No deadline: the first example of a test may have to compile its kernels.
settings.register_profile("likewise", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("likewise")


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="write the files of tests/golden anew")


def pytest_configure(config):
    # beside pytest's own cache: a second run is fast, and the user's folder stays as it was
    os.environ.setdefault("LIKEWISE_CACHE", str(config.cache.mkdir("likewise-objects")))


@pytest.fixture
def golden(request):
    """Compare text with a file of tests/golden, or write it with --update-golden."""

    def check(name, text):
        path = request.config.rootpath / "tests" / "golden" / name
        text = text.rstrip("\n") + "\n"
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing: pytest --update-golden writes it"
        assert text == path.read_text(encoding="utf-8"), (
            f"{path.name} differs: pytest --update-golden, then read the diff"
        )

    return check
