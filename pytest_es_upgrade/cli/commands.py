"""The commands and their options. What a command does stands in a module of its own, which needs no click."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import get_args

import click

from .. import __version__
from ..contract import shipped_contract
from ..errors import UsageProblem
from ..plans import Certificate
from . import USAGE_ERROR

#: As a shell has it of what a SIGINT ended.
INTERRUPTED = 130


def run(arguments: Sequence[str]) -> int:
    """Run the command with those arguments. A mistake of the user is one line on stderr, and `USAGE_ERROR`.

    So is what the system does not do, such as to write to a full disk. Ctrl-C is one line and `INTERRUPTED`;
    a pipe that is closed early is none.
    """
    try:
        with suppress(AttributeError):  # a terminal that has no letter for a quotation mark is shown its number
            sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a stand-in may have none
        code = command.main(list(arguments), prog_name="es-upgrade", standalone_mode=False)
    except click.ClickException as problem:
        return _refused(problem.format_message())
    except UsageProblem as problem:
        return _refused(str(problem))
    except click.Abort:
        return _refused("stopped by Ctrl-C", INTERRUPTED)
    except OSError as problem:
        _end_output()
        return _refused(f"stopped by the system: {problem}")
    return int(code or 0)


def _refused(text: str, code: int = USAGE_ERROR) -> int:
    sys.stderr.write(f"es-upgrade: {' '.join(text.split())}\n")
    return code


def _end_output() -> None:
    """Close what takes nothing: else the interpreter tries once more at its end, and tells of it in its own way."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            sys.stdout.close()


def _examples(*lines: str) -> str:
    """What stands at the end of a help text: commands to copy."""
    return "\b\n" + "\n".join(("Examples:", *(f"  {line}" for line in lines)))


@click.group(
    epilog=_examples(
        "pytest --es-upgrade --es-upgrade-client=MODULE:FACTORY",
        "es-upgrade explain request.path",
        "es-upgrade serve --port 8080",
        "es-upgrade driver 'python driver.py'",
        "es-upgrade report A.json B.json --to report.html",
    ),
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=False,
)
@click.version_option(__version__, prog_name="es-upgrade")
def command() -> None:
    """Contract tests for clients of Alibaba Cloud Elasticsearch UpgradeEngineVersion.

    The suite itself runs in pytest, and these commands beside it.
    """


@command.command(
    epilog=_examples(
        "es-upgrade serve",
        "es-upgrade serve --port 8080 --tls good",
        "es-upgrade serve --config service.yaml --journal journal.jsonl",
    )
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port on 127.0.0.1; 0, the default, is any.")
@click.option(
    "--tls", type=click.Choice(get_args(Certificate)), help="Speak TLS and show that certificate; needs the extra tls."
)
@click.option("--config", type=click.Path(path_type=Path), help="A YAML file: endpoint, instances, replies, faults.")
@click.option("--journal", type=click.Path(path_type=Path), help="Write each exchange there, as a line of JSON.")
@click.option("--check-signatures", is_flag=True, help="Refuse what is not signed with the access key, or not right.")
def serve(
    port: int, tls: Certificate | None, config: Path | None, journal: Path | None, *, check_signatures: bool
) -> None:
    """Serve the stand-in until Ctrl-C or SIGTERM.

    It listens on 127.0.0.1. The first line on standard output is JSON and says where: url, caFile, accessKeyId,
    accessKeySecret, regionId.
    """
    from .serving import serve_until_told

    serve_until_told(port, tls, config, journal, check_signatures=check_signatures)


@command.command("driver", epilog=_examples("es-upgrade driver 'python driver.py'", "es-upgrade driver ./driver.sh"))
@click.argument("driver", metavar="COMMAND")
def try_alone(driver: str) -> int:
    """Try a driver alone: what is sent and what comes back.

    COMMAND starts the driver, as in --es-upgrade-driver. Every line is shown, and what is wrong with it. The exit
    code is 0 where all is well, and 1 where something is wrong.
    """
    from .driver import try_driver

    return try_driver(driver, click.echo)


@command.command(
    epilog=_examples(
        "es-upgrade explain                        all rules and cases",
        "es-upgrade explain request.path           one rule",
        "es-upgrade explain error.ok.list          one case",
        "es-upgrade explain dry_run                a family",
        "es-upgrade explain 'idempotency.lost.*'   all that match",
        "es-upgrade explain request.path --json    the same as JSON",
    )
)
@click.argument("name", metavar="[RULE|CASE|FAMILY|GLOB]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: rules and cases.")
def explain(name: str | None, *, as_json: bool) -> None:
    """Explain a rule or a case, with right and wrong.

    What is told of one is the sentence it comes from, why it matters, what to do, a right and a wrong exchange,
    and the cases that ask for it. Without an argument all rules and cases are listed. A name that there is not
    ends with exit code 4, and the near ones.
    """
    from .explaining import Catalogue, as_text

    found = Catalogue(shipped_contract()).named(name)
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else "\n".join(as_text(found)))


@command.command(
    epilog=_examples(
        "es-upgrade report py310.json py313.json --to report.html",
        "es-upgrade report *.json --to report.md --to report.json",
    )
)
@click.argument("reports", metavar="REPORT.json...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--to",
    "targets",
    metavar="FILE",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="Where to write: .json, .html or .md by its suffix; repeatable.",
)
def report(reports: tuple[Path, ...], targets: tuple[Path, ...]) -> None:
    """Merge JSON reports of several runs into one.

    Refused are reports that were not made by the same contract, level and profile, and two verdicts on
    one client and case.
    """
    from .reporting import merge_reports

    merge_reports(reports, targets, click.echo)
