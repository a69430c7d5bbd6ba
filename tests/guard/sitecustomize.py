"""Blocks the network for every Python process that has this folder on its ``PYTHONPATH``.

Python imports ``sitecustomize`` at start-up. With ``FTLIB_BLOCK_NETWORK=1`` a connection or a name
look-up that leaves this machine raises ``OSError``; loopback stays open, a Jupyter kernel needs it.
Programs that are not Python get proxies that nobody answers.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import ipaddress
import os
import socket
import sys

DEAD_PROXY = "http://127.0.0.1:9"
# where each audit event of the socket module carries the host or the (host, port) pair
HOST_ARGUMENT = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}
_installed = False


def is_local(host: object) -> bool:
    """Whether ``host`` (a name, an address or None) stays on this machine."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in (None, "", "localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(str(host).split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def refuse_other_machines(event: str, arguments: tuple) -> None:
    """Audit hook: raise ``OSError`` where a socket would leave this machine."""
    position = HOST_ARGUMENT.get(event)
    if position is None:
        return
    host = arguments[position]
    if position == 1:
        if not isinstance(host, tuple):  # a Unix socket, or a datagram socket that is connected
            return
        host = host[0]
    if not is_local(host):
        raise OSError(f"network is blocked in tests: {host}")


def install() -> None:
    """Block the network in this process for good; a second call changes nothing."""
    global _installed
    if _installed:
        return
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        os.environ[name] = os.environ[name.lower()] = DEAD_PROXY
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "localhost,127.0.0.1,::1"
    sys.addaudithook(refuse_other_machines)
    _installed = True


def chain() -> None:
    """Run the ``sitecustomize`` that this file hides, if the environment has one of its own."""
    here = os.path.dirname(os.path.abspath(__file__))
    others = [folder for folder in sys.path if os.path.abspath(folder or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if __name__ == "sitecustomize":
    if os.environ.get("FTLIB_BLOCK_NETWORK") == "1":
        install()
    chain()
