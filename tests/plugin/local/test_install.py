"""The installer does nothing twice, and says in one sentence why it cannot go on."""

import sys
from pathlib import Path

import pytest

from plugin.local import install


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in install.INPUTS:
        (tmp_path / name).write_text("")
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(install, "STAMP", tmp_path / ".venv" / "installed-locks")
    return tmp_path


def test_an_old_python_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 2))
    with pytest.raises(SystemExit, match=r"needs Python 3.11 or newer .*make PYTHON="):
        install.main()


def test_unchanged_locks_install_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "bin" / "python").write_text("")
    install.STAMP.write_text(install.digest())
    install.main()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", install.INPUTS)
def test_any_changed_input_installs_again(root: Path, name: str) -> None:
    before = install.digest()
    (root / name).write_text("changed")
    assert install.digest() != before


def test_a_failing_pip_is_one_sentence_with_its_last_words(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "python", lambda: Path(sys.executable))
    with pytest.raises(SystemExit, match="Installing Python packages failed") as error:
        install.pip("--no-index", "--dry-run", "a-package-that-does-not-exist")
    assert "no ready-made package" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("error: command 'gcc' failed: No such file or directory", "a C compiler is missing"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "differs from the one that was tested"),
        ("Connection refused", "the network is not reachable"),
        ("something nobody has seen", "see below"),
    ],
)
def test_what_pip_says_is_explained(said: str, meant: str) -> None:
    assert meant in install.explanation(said)
