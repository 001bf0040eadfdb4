"""From messages to violations: total functions, usable without pytest.

`request` and `response` judge a message by itself; `sent` judges what a client sent against what it
was asked; `told` judges what a caller was told against what the service answered.
"""

from .request import check_request
from .response import check_response

__all__ = ["check_request", "check_response"]
