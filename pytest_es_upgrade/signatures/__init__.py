"""Signatures of requests, verified as they stood on the wire, sans I/O and with no clock of its own.

`acs3` and `roa` hold a scheme each, `scheme` is what they have in common, `wire` reads what they sign, and
`verifying` judges. A scheme covers what it covers: see `docs/explanation/signatures.md` for what it leaves open.
"""

from .acs3 import ACS3
from .roa import ROA
from .verifying import FRESH, SCHEMES, repeated_nonces, signature_scheme, verify

__all__ = ["ACS3", "FRESH", "ROA", "SCHEMES", "repeated_nonces", "signature_scheme", "verify"]
