"""What runbooks and guides tell people to run is taken by the programs that they run: options included."""

from __future__ import annotations

import re
import shlex

import pytest
from fsxn_runtime.cli.main import build_parser

from tests.structure.source_tree import ROOT
from tests.structure.test_documents import code, named
from tests.support import aws_command

DOCS = ROOT / "docs"
PAGES = sorted([*(DOCS / "runbooks").glob("*.md"), *(DOCS / "guides").glob("*.md")])
ONTAP = DOCS / "reference" / "ontap-commands.md"
# Where an ONTAP command begins, so that one that is not in the list is found too.
ONTAP_DIRECTORIES = (
    "cifs",
    "cluster",
    "event",
    "fpolicy",
    "network",
    "nfs",
    "security",
    "storage",
    "volume",
    "vserver",
)
PLACEHOLDER = re.compile(r"<[^<>]*>")
NUMBERS = {"N"}  # placeholders that stand for a number
COMMAND = re.compile(r"^\s*`?(?P<command>(?:aws|fsxn) [^`]+?)`?\s*$", re.MULTILINE)


def commands(text: str, program: str) -> set[str]:
    """The commands of a document, as people read them."""
    joined = re.sub(r"\\\n\s*", "", text)  # a command that goes on in the next line
    found = {match["command"].strip() for match in COMMAND.finditer(code(joined))}
    return {command for command in found if command.startswith(f"{program} ")}


def words(command: str) -> list[str]:
    """Split a command; placeholders become words, what it pipes into is left out."""
    plain = PLACEHOLDER.sub("x", command)
    return shlex.split(plain.partition(" | ")[0])


def fsxn_error(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What `fsxn` says to a command, empty when it takes it. Words alone are a mention: asked for help."""
    arguments = ["1" if word in NUMBERS else word for word in words(command)[1:]]
    is_mention = all(re.fullmatch(r"[a-z-]+", word) for word in arguments) and len(arguments) <= 2
    try:
        build_parser().parse_args([*arguments, "--help"] if is_mention else arguments)
    except SystemExit as end:
        return "" if end.code == 0 else f"{command}: {capsys.readouterr().err.splitlines()[-1]}"
    return ""


def aws_error(command: str) -> str:
    """What is wrong with an `aws` command; one without any option is a mention of its operation."""
    try:
        aws_command.parse(shlex.join(words(command)), is_mention="--" not in command)
    except aws_command.AwsCommandError as exc:
        return str(exc)
    return ""


def known_ontap_commands() -> set[str]:
    return set(re.findall(r"^\| `([^`]+)` \|", ONTAP.read_text(), re.MULTILINE))


def ontap_commands(text: str) -> set[str]:
    """Code that begins like an ONTAP command."""
    lines = {line.strip().strip("`") for line in code(text).splitlines()}
    return {line for line in lines if re.match(rf"({'|'.join(ONTAP_DIRECTORIES)}) [a-z]", line)}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_fsxn_command_is_taken_by_its_parser(page, capsys: pytest.CaptureFixture[str]) -> None:
    errors = [fsxn_error(command, capsys) for command in commands(page.read_text(), "fsxn")]
    assert [error for error in errors if error] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_aws_command_is_one_of_the_services_models(page) -> None:
    errors = [aws_error(command) for command in commands(page.read_text(), "aws")]
    assert [error for error in errors if error] == []


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=named)
def test_every_ontap_command_is_known_and_has_no_vserver_before_it(page) -> None:
    known = known_ontap_commands()
    found = ontap_commands(page.read_text())
    assert {line for line in found if not any(f"{line} ".startswith(f"{name} ") for name in known)} == set()
    assert {name for name in known if name.startswith("vserver ")} == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_of_the_repository_that_is_named_exists(page) -> None:
    found = re.findall(r"`((?:tests|modules|envs|lab|docs|python|tools)/[\w./-]+)`", page.read_text())
    assert [name for name in found if not (ROOT / name).exists()] == []


def test_a_wrong_option_a_wrong_operation_and_an_unknown_ontap_command_are_found(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "unrecognized arguments: --now" in fsxn_error("fsxn slo status --now", capsys)
    assert "invalid choice" in fsxn_error("fsxn slo state", capsys)
    assert "no option --queue" in aws_error("aws sqs receive-message --queue <url>")
    assert "no operation 'get-message'" in aws_error("aws sqs get-message")
    assert ontap_commands("`vserver fpolicy show`") == {"vserver fpolicy show"}
