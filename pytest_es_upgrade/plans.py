"""What a server is told to do on a connection: a plan is a tuple of steps, performed in order.

The service decides, the server performs. After the last step the connection stays open for the next
request unless the plan closed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .messages import HttpResponse

#: What a server shows when it speaks TLS: a certificate that is right, or wrong in the one thing that is named.
Certificate = Literal["good", "untrusted", "expired", "wrong_name"]


@dataclass(frozen=True)
class Send:
    """Write these bytes; `whole` marks the last bytes of an answer that is complete on the wire."""

    data: bytes
    whole: bool = False


@dataclass(frozen=True)
class Pause:
    """Wait that many seconds."""

    seconds: float


@dataclass(frozen=True)
class Reset:
    """End the connection with RST."""


@dataclass(frozen=True)
class Close:
    """End the connection with FIN (after what was written has gone out)."""


@dataclass(frozen=True)
class Hold:
    """Do nothing more, and keep the connection open until the client or the case ends it."""


Step = Send | Pause | Reset | Close | Hold


@dataclass(frozen=True)
class Plan:
    """Steps, with what the journal is to say of them: the answer that was meant, and the fault's name."""

    steps: tuple[Step, ...]
    response: HttpResponse | None = None
    fault: str | None = None
