"""`fsxn rotation`: how the password of ONTAP's account is, a rehearsal, recovery, and whom to trust.

Rehearsal and recovery run in the rotate function, which reaches ONTAP: the caller never sees the password.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
import time
from dataclasses import asdict
from typing import Any, Final

from fsxn_runtime.cli.console import Exit, say
from fsxn_runtime.cli.function import invoke
from fsxn_runtime.edge.aws_errors import aws_call
from fsxn_runtime.edge.clients import client
from fsxn_runtime.edge.clock import now_us
from fsxn_runtime.edge.settings import text
from fsxn_runtime.errors import ConflictError, MisconfiguredError, RejectedError, TransientError
from fsxn_runtime.events import format_timestamp
from fsxn_runtime.ontap import OntapSecret
from fsxn_runtime.rotation import Ontap, SecretStore, describe_certificate, secret_of, status_of

_BEGIN_SECONDS: Final = 60.0


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the group."""
    group = subparsers.add_parser("rotation", help="ONTAP's password: status, rehearse, recover, trust")
    commands = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    words = "show age, stages, schedule and the last result; exit status 1 when a person should look"
    status = commands.add_parser("status", help=words, description=words.capitalize() + ".")
    status.add_argument("--ask-ontap", action="store_true", help="also log in once, through the function")
    status.set_defaults(run=_status)
    words = "do everything of a rotation but the change, in the function"
    rehearse = commands.add_parser("rehearse", help=words, description=words.capitalize() + ".")
    rehearse.set_defaults(run=_rehearse)
    words = "finish a rotation that stopped, or ask for a new one"
    recover = commands.add_parser("recover", help=words, description=words.capitalize() + ".")
    how = recover.add_mutually_exclusive_group()
    how.add_argument(
        "--through-fsx", action="store_true", help="let FSx set fsxadmin's password first; asks for a yes"
    )
    how.add_argument(
        "--abandon", action="store_true", help="drop the pending version, if the current one works"
    )
    recover.set_defaults(run=_recover)
    words = "show the certificate that ONTAP presents and store it in the secret"
    trust = commands.add_parser("trust", help=words, description=words.capitalize() + ".")
    trust.add_argument("--create", action="store_true", help="make the secret; the password is asked for")
    trust.add_argument("--username", help="with --create: the account")
    trust.add_argument("--address", help="with --create: management address, with :port unless 443")
    trust.add_argument("--kms-key", metavar="ARN", help="with --create: customer key of the secret")
    trust.add_argument(
        "--password-stdin", action="store_true", help="with --create: read it from standard input"
    )
    trust.add_argument("--only", action="store_true", help="forget the certificates that were trusted before")
    trust.add_argument("--through-function", action="store_true", help="look from the VPC, by the function")
    trust.set_defaults(run=_trust)
    for command in (status, rehearse, recover, trust):
        command.add_argument("--secret", metavar="ID", help="name or ARN (default: ONTAP_SECRET_ID)")
        command.add_argument(
            "--function", metavar="NAME", help="rotate function (default: ROTATION_FUNCTION)"
        )
        command.add_argument("--json", action="store_true", help="one JSON object")
    for command in (recover, trust):
        command.add_argument("--yes", action="store_true", help="do not ask")


def _status(arguments: argparse.Namespace) -> Exit:
    store = _store(arguments)
    description = store.describe()
    unfinished = description.unfinished
    status = status_of(description, now_us(), store.begun_us(unfinished) if unfinished else None)
    checks = []
    if arguments.ask_ontap:
        asked = _ask(arguments, {"action": "rehearse"})["checks"]
        checks = [check for check in asked if check["name"] in ("certificate", "login", "account")]
    if arguments.json:
        say(json.dumps({**asdict(status), "checks": checks}))
    else:
        following = status.next_rotation_us
        say(f"rotation        {'on, ' + status.schedule if status.is_rotation_on else 'off'}")
        say(f"age             {status.age_days:.1f} days")
        say(f"next            {format_timestamp(following) if following else 'unknown'}")
        for stage, version in status.stages.items():
            say(f"{stage:<15} {version}")
        if status.unfinished_hours is not None:
            say(f"unfinished for  {status.unfinished_hours:.1f} hours: fsxn rotation recover")
        say(f"refused logins  {status.refused_logins}")
        say(f"last result     {status.last_result or 'none'}")
        _say_checks(checks)
    is_well = status.is_rotation_on and unfinished is None and not status.refused_logins
    return Exit.OK if is_well and all(check["ok"] for check in checks) else Exit.FINDING


def _rehearse(arguments: argparse.Namespace) -> Exit:
    answer = _ask(arguments, {"action": "rehearse"})
    if arguments.json:
        say(json.dumps(answer))
    else:
        _say_checks(answer["checks"])
    return Exit.OK if all(check["ok"] for check in answer["checks"]) else Exit.FINDING


def _recover(arguments: argparse.Namespace) -> Exit:
    store = _store(arguments)
    if arguments.through_fsx:
        _confirm(arguments, "FSx will set the password of fsxadmin; everybody who knows the old one is out.")
        if store.describe().unfinished is None:
            store.ask_rotation()
            _wait_for_version(store)
    event = {"action": "recover", "through_fsx": arguments.through_fsx, "abandon": arguments.abandon}
    answer = _ask(arguments, event)
    if answer["outcome"] == "nothing_unfinished" and not arguments.abandon:
        store.ask_rotation()
        answer = {"outcome": "asked", "version": ""}
    if arguments.json:
        say(json.dumps(answer))
    else:
        words = {
            "abandoned": "the pending version was dropped",
            "asked": "nothing was unfinished; Secrets Manager was asked for a rotation",
            "finished": "the rotation has ended",
            "nothing_unfinished": "nothing was unfinished",
        }
        say(f"{words[answer['outcome']]} {answer['version']}".rstrip())
    return Exit.OK


def _trust(arguments: argparse.Namespace) -> Exit:
    if arguments.create:
        return _create(arguments)
    store = _store(arguments)
    description = store.describe()
    if description.unfinished:
        raise ConflictError(
            "a rotation is under way; let it end, or: fsxn rotation recover", code="unfinished"
        )
    current = store.current()
    secret = secret_of(current.text)
    presented = _look(arguments, secret.management_ip)
    is_known = presented["sha256"] in secret.pins
    _show(arguments, presented, secret.pins)
    if is_known and (len(secret.pins) == 1 or not arguments.only):
        say("it is trusted already")
        return Exit.OK
    _confirm(arguments, f"Store it in {store.secret_id}?")
    kept = "" if arguments.only or is_known else secret.ca_certificate.rstrip()
    bundle = f"{kept}\n{presented['pem'].strip()}\n".lstrip()
    store.replace_current(json.dumps({**current.data(), "ca_certificate": bundle}), current.version_id)
    say(f"trusted now: {', '.join(secret_of(store.current().text).pins)}")
    if store.describe().unfinished:
        say("a rotation began meanwhile, with the old certificates: run this again when it has ended")
        return Exit.FINDING
    return Exit.OK


def _create(arguments: argparse.Namespace) -> Exit:
    if not arguments.username or not arguments.address:
        raise RejectedError("--create needs --username and --address", code="wrong_use")
    name = _secret_id(arguments)
    presented = _look(arguments, arguments.address)
    _show(arguments, presented, ())
    _confirm(arguments, f"Trust it, and make the secret {name}?")
    if arguments.password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = getpass.getpass(f"Password of {arguments.username}: ")
    secret = OntapSecret(arguments.username, password, arguments.address, presented["pem"].strip() + "\n")
    value = json.loads(secret.to_json())
    if not arguments.through_function:
        cluster = Ontap(secret).login()
        if cluster is None:
            raise MisconfiguredError(
                f"ONTAP at {arguments.address} refuses user {arguments.username!r}; nothing was stored",
                code="login_refused",
            )
        value["cluster_uuid"] = cluster
    key = {"KmsKeyId": arguments.kms_key} if arguments.kms_key else {}
    with aws_call(f"secretsmanager:CreateSecret {name}"):
        made = client("secretsmanager").create_secret(Name=name, SecretString=json.dumps(value), **key)
    say(f"made {made['ARN']}")
    return Exit.OK


def _look(arguments: argparse.Namespace, address: str) -> dict[str, Any]:
    """Give what is presented: described, with its PEM."""
    if arguments.through_function:
        found: dict[str, Any] = _ask(arguments, {"action": "certificate", "address": address})
        return found
    probe = OntapSecret(username="nobody", password="none", management_ip=address)  # noqa: S106 (never sent)
    pem = Ontap(probe).require_reach()
    return {**asdict(describe_certificate(pem)), "pem": pem}


def _show(arguments: argparse.Namespace, presented: dict[str, Any], pins: tuple[str, ...]) -> None:
    if arguments.json:
        say(json.dumps({**presented, "trusted": list(pins)}))
        return
    for name in ("subject", "not_before", "not_after"):
        say(f"{name.replace('_', ' '):<12} {presented[name]}")
    say(f"presented    {presented['sha256']}")
    for pin in pins:
        say(f"trusted      {pin}")


def _say_checks(checks: list[dict[str, Any]]) -> None:
    for check in checks:
        say(f"{'ok' if check['ok'] else 'NOT OK':<7} {check['name']:<12} {check['text']}")


def _confirm(arguments: argparse.Namespace, question: str) -> None:
    """Ask for a yes. Raises RejectedError without one."""
    if arguments.yes:
        return
    sys.stderr.write(f"{question} Type yes: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != "yes":
        raise RejectedError("not confirmed; nothing was changed", code="not_confirmed")


def _wait_for_version(store: SecretStore) -> None:
    """Wait until Secrets Manager has begun. Raises TransientError."""
    end = time.monotonic() + _BEGIN_SECONDS
    while store.describe().unfinished is None:
        if time.monotonic() > end:
            raise TransientError("Secrets Manager has not begun the rotation; ask again", code="not_begun")
        time.sleep(1.0)


def _ask(arguments: argparse.Namespace, event: dict[str, object]) -> Any:
    return invoke(arguments.function or text(os.environ, "ROTATION_FUNCTION"), event)


def _store(arguments: argparse.Namespace) -> SecretStore:
    return SecretStore(client("secretsmanager"), _secret_id(arguments))


def _secret_id(arguments: argparse.Namespace) -> str:
    return arguments.secret or text(os.environ, "ONTAP_SECRET_ID")
