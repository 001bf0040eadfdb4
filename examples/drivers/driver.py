"""A driver in Python, with the standard library alone:

    pytest --es-upgrade --es-upgrade-driver='mine=python driver.py'

To make it yours, replace what is in `call` and `error_of`.
"""

import json
import ssl
import sys
import threading
import urllib.error
import urllib.request
from urllib.parse import quote, urlencode


def call(endpoint, request):
    """One call of the client: what it returns is the result, what it raises the error."""
    query = {"clientToken": request.get("clientToken")}
    if "dryRun" in request:
        query["dryRun"] = json.dumps(request["dryRun"])
    body = {name: request[name] for name in ("version", "type") if name in request}
    url = f"{endpoint['url']}/openapi/instances/{quote(request['instanceId'], safe='')}/actions/upgrade-version"
    http_request = urllib.request.Request(
        url + "?" + urlencode({name: value for name, value in query.items() if value is not None}),
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    context = ssl.create_default_context(cafile=endpoint["caFile"]) if endpoint["caFile"] else None
    with urllib.request.urlopen(http_request, timeout=endpoint["timeout"], context=context) as answer:
        return json.load(answer)


def error_of(raised):
    """What a caller of the client can tell from its exception."""
    error = {"type": type(raised).__name__, "message": str(raised)}
    if isinstance(raised, urllib.error.HTTPError):
        error["httpStatus"] = raised.code
        try:
            document = json.load(raised)
            error["code"], error["requestId"] = document.get("Code"), document.get("RequestId")
            error["message"] = document.get("Message") or error["message"]
        except (ValueError, AttributeError):
            pass  # not the service's own error
    return error


def answer(line):
    asked = json.loads(line)
    try:
        told = {"id": asked["id"], "result": call(asked["endpoint"], asked["request"])}
    except Exception as raised:  # whatever it is, the caller gets it
        told = {"id": asked["id"], "error": error_of(raised)}
    sys.stdout.write(json.dumps(told) + "\n")  # one write, for several threads answer
    sys.stdout.flush()


for line in sys.stdin:
    if line.strip():
        threading.Thread(target=answer, args=(line,)).start()
