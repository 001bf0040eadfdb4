"""The stand-in service, sans I/O: requests in, plans out; no thread, no socket, no clock of its own.

`core` is what a server and a user talk to, `instances` is what the service is about (instances,
checks, tokens), `gateway` looks at signatures where it is told to, `script` is what a user has said
it shall answer instead, `choices` is what the page leaves open.
"""

from .core import Reply, Service

__all__ = ["Reply", "Service"]
