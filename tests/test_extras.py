"""Optional packages: found, absent, or there without something that they need themselves."""

import sys

import pytest

from likewise.errors import MissingExtraError
from likewise.extras import need


def test_a_module_that_is_there():
    import json.decoder

    assert need("json.decoder", "this") is json.decoder


@pytest.mark.parametrize(
    ("module", "extra", "said"),
    [
        ("absent.part", "text", "this needs absent; install it with: pip install 'likewise[text]'"),
        ("absent", None, "this needs absent; install it with: pip install absent"),
        ("Stemmer", None, "this needs PyStemmer; install it with: pip install PyStemmer"),
        ("scipy.sparse", "translate", "this needs SciPy; install it with: pip install 'likewise[translate]'"),
    ],
)
def test_a_package_that_is_absent(module, extra, said, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError) as raised:
        need(module, "this", extra)
    assert str(raised.value) == said
    assert raised.value.__context__ is None


def test_what_an_optional_package_lacks_itself_is_its_own_error(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("import not_there_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all") as raised:
        need("broken_package", "this", "text")
    assert not isinstance(raised.value, MissingExtraError)
