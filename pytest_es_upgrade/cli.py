"""The command `es-upgrade`. Its library, click, is an extra; without it the command says what to install."""

from __future__ import annotations

import sys
from importlib import import_module, metadata

#: As pytest's own for wrong usage.
USAGE_ERROR = 4

_DISTRIBUTION = "pytest-es-upgrade"


def main() -> None:
    """Run the command with the process's arguments."""
    try:
        # By name: a type checker must not need the extra either.
        click = import_module("click")
    except ImportError:
        sys.stderr.write('es-upgrade needs click; install it with: pip install "pytest-es-upgrade[cli]"\n')
        raise SystemExit(USAGE_ERROR) from None

    @click.group(context_settings={"help_option_names": ["-h", "--help"]})  # type: ignore[untyped-decorator]  # as above
    @click.version_option(metadata.version(_DISTRIBUTION), prog_name="es-upgrade")  # type: ignore[untyped-decorator]
    def command() -> None:
        """Contract tests for clients of Alibaba Cloud Elasticsearch UpgradeEngineVersion.

        The suite itself runs in pytest: pytest --es-upgrade --es-upgrade-client=MODULE:FACTORY
        """

    command()
