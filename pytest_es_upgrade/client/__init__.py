"""The client under test, as a Python factory: how it is found, called, bounded, watched and understood.

- `loading` finds what `--es-upgrade-client` names; `factory` opens and calls it, on `threads`.
- `answers` and `failures` read what it returned or raised; both see objects through `shapes`.
- `loopback`, `environment` and `said` watch what it does on the side: sockets, variables, words.
"""
