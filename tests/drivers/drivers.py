"""The drivers of examples/drivers/, each with what it needs on this machine."""

from __future__ import annotations

import shlex
import subprocess
import sys

from needs import MODULES, ROOT, environment_of_a_user, lacking

FOLDER = ROOT / "examples" / "drivers"

#: Name → the words of its command, and what they need.
DRIVERS = {
    "driver": ([sys.executable, "driver.py"], ()),
    "curl": (["sh", "curl.sh"], ("sh", "curl", "jq")),
    "Driver": (["java", "Driver.java"], ("java",)),
    "alicloud-elasticsearch": (["node", "alicloud-elasticsearch.js"], ("node", "@alicloud/elasticsearch20170613")),
    "pop-core": (["node", "pop-core.js"], ("node", "@alicloud/pop-core")),
}

#: Clients of other SDKs, which need no driver: name → adapter.
ADAPTERS = {
    "official-python": "pytest_es_upgrade.adapters.alibabacloud:client",
    "official-python-async": "pytest_es_upgrade.adapters.alibabacloud:async_client",
    "classic-json": "pytest_es_upgrade.adapters.aliyun:json_client",
    "classic-set-body": "pytest_es_upgrade.adapters.aliyun:set_body_client",
}


def lacks(name):
    """What is not there of what that driver needs."""
    return lacking(DRIVERS[name][1])


def command(name):
    """The command of that driver, from any folder."""
    program, file = DRIVERS[name][0]
    return shlex.join([program, str(FOLDER / file)])


def run_suite(folder, names, *options):
    """Run the suite against those drivers, in a process of its own."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    environment = environment_of_a_user() | {"NODE_PATH": str(MODULES)}
    chosen = [f"--es-upgrade-driver={name}={command(name)}" for name in names]
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--es-upgrade", *chosen, *options]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
