"""The loopback server: it reads requests, asks a service for a plan, and performs the plan.

It knows HTTP framing and sockets, and nothing of the operation: what to answer, and which faults to
play, is the service's decision.
"""

from .loop import Server, ServerLoop, serve, shared_loop

__all__ = ["Server", "ServerLoop", "serve", "shared_loop"]
