"""The loopback server: it reads requests, asks a service for a plan, and performs the plan.

It knows HTTP framing and sockets, and nothing of the operation: what to answer, and which faults to
play, is the service's decision.
"""

from .loop import Server, ServerLoop, serve, shared_loop
from .tls import Authority, authority, forget

__all__ = ["Authority", "Server", "ServerLoop", "authority", "end", "serve", "shared_loop"]


def end() -> None:
    """Close every server of the process, end their thread, and remove the file of certificates."""
    shared_loop().close()
    forget()
