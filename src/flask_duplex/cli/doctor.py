"""`flask socketio doctor`: what is wrong, and how to mend it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

import click
from flask.cli import NoAppException, ScriptInfo, pass_script_info

from flask_duplex.doctor.finding import Finding, Findings, Severity, broken, note

_COLORS = {
    Severity.OK: "green",
    Severity.NOTE: "cyan",
    Severity.WARNING: "yellow",
    Severity.BROKEN: "red",
}
_WIDTH = 9


@click.command(short_help="What is wrong, and how to mend it.")
@click.argument("url", required=False)
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON, for programs.")
@click.pass_context
@pass_script_info
def doctor(info: ScriptInfo, context: click.Context, url: str | None, as_json: bool) -> None:
    """Say what is wrong, and how to mend it.

    Without URL: this installation and the application. With it: the server that a page at URL connects to, asked as a
    browser would, through whatever proxies there are; that takes half a minute. The exit status is 1 where something
    is broken.
    """
    findings = _here(info) if url is None else _there(_checked(url))
    worst = (_print_json if as_json else _print)(findings)
    context.exit(int(worst))


def _checked(url: str) -> str:
    from flask_duplex.doctor.site import followed

    address = followed(url if "://" in url else f"http://{url}", "")
    if address is None:
        raise click.UsageError(f"{url!r} is no URL of a page: http://..., https://...")
    return address


def _there(url: str) -> Findings:
    from flask_duplex.doctor.server import examine_server

    return examine_server(url)


def _here(info: ScriptInfo) -> Findings:
    from flask_duplex.doctor.installation import examine_installation

    found = list(examine_installation())
    yield from found
    if not any(finding.severity is Severity.BROKEN for finding in found):
        yield from _application(info)


def _application(info: ScriptInfo) -> Findings:
    from flask_duplex.doctor.application import examine_application

    try:
        app = info.load_app()
    except NoAppException as error:
        yield note("no-application", "no application was looked at", error.format_message())
    except Exception as error:  # noqa: BLE001 - whatever it raises
        yield broken(
            "application",
            f"the application cannot be loaded: {type(error).__name__}: {error}",
            "flask --app ... routes shows where that comes from",
        )
    else:
        yield from examine_application(app)


# -- what is told ----------------------------------------------------------------------------------


def _print(findings: Iterable[Finding]) -> bool:
    """Each as it is found. Tells whether something is broken."""
    counts = dict.fromkeys(Severity, 0)
    for finding in findings:
        counts[finding.severity] += 1
        click.secho(finding.severity.ljust(_WIDTH), fg=_COLORS[finding.severity], nl=False)
        click.echo(_printable(finding.seen))
        for line in finding.mend.splitlines():
            click.echo(f"{' ' * _WIDTH}> {_printable(line)}")
    click.echo(", ".join(f"{count} {severity}" for severity, count in counts.items() if count))
    return counts[Severity.BROKEN] > 0


def _printable(text: str) -> str:
    """On one line, and without what would give a terminal orders: some of it is what a server has answered."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _print_json(findings: Iterable[Finding]) -> bool:
    found = list(findings)
    is_broken = any(finding.severity is Severity.BROKEN for finding in found)
    document = {"broken": is_broken, "findings": [asdict(finding) for finding in found]}
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    return is_broken
