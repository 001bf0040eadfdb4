"""Hypothesis strategies for calls and answers of UpgradeEngineVersion.

    from hypothesis import given
    from pytest_es_upgrade.strategies import invalid_requests, success_responses, valid_requests

    @given(request=valid_requests(), response=success_responses())
    def test_whatever_is_asked_the_answer_arrives(es_upgrade_server, request, response): ...

Four promises, each held by a test:

- **In step with the contract.** Enumerations, limits and pairings come from a `Contract`; alter a copy,
  pass it as `contract=`, and every strategy follows. What is valid breaks no rule, what is invalid breaks
  the one rule that it comes with, and the published schemas say the same.
- **Nothing is filtered.** No example is thrown away, so no health check fires, and none costs time.
- **Aimed.** Every pair of the finite choices (target, presence and length of the token, dryRun) turns up
  within 200 examples; boundaries and the values that hurt clients are drawn as often as ordinary ones.
- **Shrunk to what a person would write.** The simplest call has nothing but a plain id; a token that fails
  for its plus becomes `'+'`, an answer that fails for its number of checks has that many and no more.

| strategy | gives |
|---|---|
| `valid_requests()` | `UpgradeRequest` that conforms |
| `awkward_requests()` | `UpgradeRequest` that conforms, with one id or token that clients stumble over |
| `invalid_requests(rule=None)` | `(UpgradeRequest, rule_id)` |
| `client_tokens()`, `invalid_client_tokens()` | a token; `(token, rule_id)` |
| `instance_ids()` | an id such as an instance may have |
| `upgrade_targets()`, `mismatched_targets()` | a valid `(version, type)`; `((version, type), rule_id)` |
| `success_responses()`, `error_responses()` | `HttpResponse` that conforms |
| `malformed_responses(rule=None)` | `(HttpResponse, rule_id)` |
| `faults()` | the name of a fault, as `es_upgrade_server.fail_with` takes it |

`st.from_type(UpgradeRequest)` is `valid_requests()`.
"""

from .answers import error_responses, faults, malformed_responses, success_responses
from .requests import (
    awkward_requests,
    client_tokens,
    instance_ids,
    invalid_client_tokens,
    invalid_requests,
    mismatched_targets,
    upgrade_targets,
    valid_requests,
)

__all__ = [
    "awkward_requests",
    "client_tokens",
    "error_responses",
    "faults",
    "instance_ids",
    "invalid_client_tokens",
    "invalid_requests",
    "malformed_responses",
    "mismatched_targets",
    "success_responses",
    "upgrade_targets",
    "valid_requests",
]
