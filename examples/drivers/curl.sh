#!/bin/sh
# A driver as a shell script, with curl (7.75 or later) and jq: --es-upgrade-driver='sh curl.sh'
# To make it yours, replace what is in `call`. Calls are made one after the other.

mark=$(printf '\036') # the control character RS, which begins no line of JSON

call() { # call ID URL BODY TIMEOUT CA_FILE: prints the answer's body, and behind it a line with the id and what curl tells
    # --path-as-is, for an id such as .. is no folder; no proxy and no curlrc come between
    curl --disable --silent --noproxy '*' --path-as-is --globoff --max-time "$4" ${5:+--cacert "$5"} \
        --header 'Content-Type: application/json' --data-binary "$3" --write-out "\n$mark[$1, %{json}]\n" "$2"
}

# One line of standard input as five: id, URL, body, timeout, CA file.
asked='.request as $asked | .id,
    .endpoint.url + "/openapi/instances/" + ($asked.instanceId | tostring | @uri) + "/actions/upgrade-version"
        + ([$asked | {clientToken, dryRun} | to_entries[] | select(.value != null) | "\(.key)=\(.value | tostring | @uri)"]
           | if . == [] then "" else "?" + join("&") end),
    ($asked | {version, type} | with_entries(select(.value != null)) | tojson),
    .endpoint.timeout, (.endpoint.caFile // "")'

# What `call` prints as one line of standard output.
told='foreach inputs as $line ({body: []};
        if $line | startswith("\u001e") then {body: [], text: (.body | join("\n")), told: ($line[1:] | fromjson)}
        else {body: (.body + [$line])} end;
        select(.told))
    | (try (.text | fromjson) catch null) as $document | (($document | objects) // {}) as $error
    | .text as $text | .told as [$id, $curl]
    | if $curl.exitcode != 0 then {$id, error: {type: "curl", message: $curl.errormsg}}
      elif $curl.http_code < 300 and ($error | has("Result")) then {$id, result: $document}
      else {$id, error: {type: "HTTP", httpStatus: $curl.http_code, code: $error.Code, requestId: $error.RequestId,
                         message: ($error.Message // $text)}} end'

jq --unbuffered -r "$asked" | while IFS= read -r id; do
    IFS= read -r url; IFS= read -r body; IFS= read -r timeout; IFS= read -r ca
    call "$id" "$url" "$body" "$timeout" "$ca"
done | jq --unbuffered -ncR "$told"
