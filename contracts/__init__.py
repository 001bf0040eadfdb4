"""The contract as data: read it through `pytest_es_upgrade.contract`."""
