"""The network guard, tried in processes of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

GUARD = Path(__file__).resolve().parent / "guard"


def run(code: str, *path: Path, block: str = "1") -> subprocess.CompletedProcess:
    environment = {**os.environ, "FTLIB_BLOCK_NETWORK": block}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, (GUARD, *path)))
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300
    )


ELSEWHERE = {
    "socket.create_connection(('192.0.2.1', 80), 1)": "192.0.2.1",
    "socket.socket().connect_ex(('192.0.2.1', 80))": "192.0.2.1",
    "socket.getaddrinfo('example.invalid', 443)": "example.invalid",
    "socket.gethostbyname('example.invalid')": "example.invalid",
    "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))": "192.0.2.1",
    "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))": "2001:db8::1",
}
ATTEMPTS = """
import socket
for code in {codes!r}:
    try:
        eval(code)
    except OSError as error:
        print(error)
"""


def test_other_machines_are_out_of_reach():
    done = run(ATTEMPTS.format(codes=[*ELSEWHERE]))
    assert done.stdout.splitlines() == [f"network is blocked in tests: {host}" for host in ELSEWHERE.values()]


def test_this_machine_stays_in_reach():
    done = run(
        "import socket\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(server.getsockname(), 5); socket.getaddrinfo('localhost', 80)\n"
        "socket.getaddrinfo(None, 0); left, right = socket.socketpair(); left.send(b'x')\n"
        "print('open')"
    )
    assert done.stdout == "open\n", done.stderr


def test_programs_find_only_dead_proxies():
    done = run("import os; print(os.environ['https_proxy'], os.environ['NO_PROXY'])")
    assert done.stdout == "http://127.0.0.1:9 localhost,127.0.0.1,::1\n"


def test_guard_sleeps_until_asked():
    done = run("import sys, sitecustomize; print(sitecustomize._installed)", block="0")
    assert done.stdout == "False\n"


@pytest.mark.parametrize("block", ["0", "1"])
def test_a_hidden_sitecustomize_still_runs(tmp_path, block):
    (tmp_path / "sitecustomize.py").write_text("print('mine', __name__)")
    assert run("pass", tmp_path, block=block).stdout == "mine sitecustomize\n"


def test_this_run_is_guarded_too():
    with pytest.raises(OSError, match=r"network is blocked in tests: example\.invalid"):
        socket.getaddrinfo("example.invalid", 80)
    with pytest.raises(OSError):
        urllib.request.urlopen("http://example.invalid", timeout=5)
