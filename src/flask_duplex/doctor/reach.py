"""Whether the server is reached at all: name, port, TLS, the page at the URL, its clock."""

from __future__ import annotations

import socket
import ssl
import time
from email.utils import parsedate_to_datetime

from .finding import Finding, Findings, broken, note, ok, warning
from .site import FAILURES, Answer, Site, followed

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5
_RULES = "the proxy's rules for redirects"
_DAY = 86400
_SOON = 14  # days
_CLOCKS_DIFFER = 5  # seconds


class Unreachable(Exception):  # noqa: N818 - a verdict
    """There is nothing more to be asked; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.seen)
        self.finding = finding


def reach(url: str) -> tuple[Site, list[Finding]]:
    """The server, with its certificate checked or, where that is at fault, not. Raises Unreachable."""
    site = Site(url)
    try:
        found = list(_connection(site))
    except ssl.SSLCertVerificationError as error:
        trouble = broken(
            "certificate",
            f"the certificate of {site.host} is not accepted: {error.verify_message or error.reason}",
            "a certificate for this very name, with its whole chain (fullchain.pem), that has not expired; "
            "browsers' WebSockets fail without a word where it is not accepted",
        )
        return Site(url, verify=False), [trouble]
    except ssl.SSLError as error:
        raise Unreachable(
            broken(
                "no-tls",
                f"{site.host}:{site.port} does not speak TLS: {error.reason or error}",
                f"http://{site.url.netloc}/, or certfile= and keyfile= at the server, or the proxy's port",
            )
        ) from error
    except OSError as error:
        raise Unreachable(_not_there(site, error)) from error
    return site, found


def _not_there(site: Site, error: OSError) -> Finding:
    where = f"{site.host}:{site.port}"
    if isinstance(error, socket.gaierror):
        return broken("unreachable", f"the name {site.host} is not known here", "DNS, /etc/hosts")
    if isinstance(error, TimeoutError):
        seen, mend = "does not answer", "a firewall lets nothing through, or the host is down"
    elif isinstance(error, ConnectionRefusedError):
        seen = "nothing listens there"
        mend = "start the server; host='0.0.0.0' where it is to be reached from other machines"
    else:
        seen, mend = error.strerror or str(error), "the network between here and there"
    return broken("unreachable", f"{where}: {seen}", mend)


def _connection(site: Site) -> Findings:
    with site.connect(["h2", "http/1.1"]) as connection:
        if not isinstance(connection, ssl.SSLSocket):
            yield ok("reached", f"{site.host}:{site.port} takes connections")
            return
        version = {"h2": "HTTP/2"}.get(connection.selected_alpn_protocol() or "", "HTTP/1.1")
        yield ok(
            "reached",
            f"{site.host}:{site.port} takes connections: {connection.version()}, {version}",
        )
        yield from _expiry(connection)


def _expiry(connection: ssl.SSLSocket) -> Findings:
    certificate = connection.getpeercert() or {}
    until = certificate.get("notAfter")
    if isinstance(until, str):
        days = (ssl.cert_time_to_seconds(until) - time.time()) / _DAY
        if days < _SOON:
            yield warning("certificate", f"the certificate expires in {days:.0f} days", "renew it")


# -- the page --------------------------------------------------------------------------------------


def page(site: Site) -> tuple[str, Answer | None, list[Finding]]:
    """The page at the URL: its address after redirects, and what it says, if it says something."""
    url = site.url.geturl()
    found: list[Finding] = []
    for _ in range(_MOST_REDIRECTS):
        here = Site(url, verify=False)
        try:
            answer = here.get(target_of(here))
        except FAILURES as error:
            found.append(note("page", f"{url} gives no answer: {said_of(error)}"))
            return url, None, found
        where = answer.headers.get("location")
        if answer.status not in _REDIRECTS or not where:
            found += [*_status(url, answer), *_clock(answer)]
            return url, answer, found
        target = followed(url, where)
        if target is None:
            found.append(
                broken("redirect", f"{url} leads to {where[:200]}, where no page can be", _RULES)
            )
            return url, None, found
        url = target
        if Site(url).origin != here.origin:
            found.append(
                note(
                    "redirect",
                    f"{here.origin} leads on to {url}",
                    "clients connect to where the page is: io() without an address, or this one",
                )
            )
    found.append(broken("redirect", f"{url} leads to itself", _RULES))
    return url, None, found


def target_of(site: Site) -> str:
    """What a request for its URL asks for."""
    return (site.url.path or "/") + (f"?{site.url.query}" if site.url.query else "")


def said_of(error: Exception) -> str:
    """A failure, in words."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__


def _status(url: str, answer: Answer) -> Findings:
    if answer.status in (502, 503, 504):
        yield broken(
            "proxy-without-server",
            f"{url}: status {answer.status}: a proxy answers, and does not reach the server behind it",
            "start that server; the proxy's address for it (proxy_pass) has to be where it listens",
        )
    else:
        yield ok("page", f"{url}: status {answer.status}")


def _clock(answer: Answer) -> Findings:
    try:
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return
    behind = time.time() - theirs
    if abs(behind) > _CLOCKS_DIFFER:
        which = "behind" if behind > 0 else "before"
        yield warning(
            "clock",
            f"the server's clock is {abs(behind):.0f} s {which} the one here: sessions and tokens expire at the "
            "wrong time",
            "timedatectl set-ntp true, on the one that is wrong",
        )
