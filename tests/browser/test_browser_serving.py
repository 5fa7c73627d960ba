"""The command that builds and serves the page says in a sentence what is missing."""

import socket
import sys

import pytest


@pytest.fixture
def serve(imported, monkeypatch):
    """Runs serve.py with some arguments; returns its exit code."""
    building, serve = imported("examples/browser", "building", "serve")

    def run(*arguments, folder):
        monkeypatch.setattr(building, "BUILT", folder / "build")
        monkeypatch.setattr(building, "MODULES", folder / "node_modules")
        monkeypatch.setattr(sys, "argv", ["serve.py", *arguments])
        return serve.main()

    return run


def test_a_missing_npm_is_told(serve, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert serve("--build", folder=tmp_path) == 2
    assert capsys.readouterr().err == "serve.py: found no npm; expected it to work here (Debian: npm).\n"


def test_a_missing_compiler_is_told(serve, tmp_path, monkeypatch, capsys):
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / ".package-lock.json").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert serve("--build", folder=tmp_path) == 2
    packages = "clang, lld, wasi-libc, libclang-rt-dev-wasm32"
    told = f"serve.py: found no clang; expected it to work here (Debian: {packages}).\n"
    assert capsys.readouterr().err == told
    assert not list(tmp_path.rglob("*.wasm"))


def test_a_taken_port_is_told(imported, monkeypatch, capsys, tmp_path):
    building, serve = imported("examples/browser", "building", "serve")
    monkeypatch.setattr(serve, "build", lambda: tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(sys, "argv", ["serve.py", "--port", str(port)])
        assert serve.main() == 2
    assert capsys.readouterr().err.startswith(f"serve.py: port {port}: ")
