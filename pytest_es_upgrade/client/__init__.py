"""The client under test, a Python factory or a driver: how it is found, called, bounded, watched and understood.

- `loading` finds what `--es-upgrade-client` names; `factory` opens and calls it, on `threads`.
- `driver` opens and calls a process, `process` runs it, `lines` is its protocol.
- `answers` and `failures` read what it returned or raised; both see objects through `shapes`.
- `loopback`, `environment` and `said` watch what it does on the side: sockets, variables, words.
"""
