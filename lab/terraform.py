"""Run the real Terraform on a root, with the stand-in provider unless TF_AWS_PROVIDER=registry.

Everything Terraform writes goes below the build folder: plugins and module links (TF_DATA_DIR), state, plans.
A root with its own backend is planned in a copy (`plan_copy`), so that no file of a checkout is touched.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab import terraform_state
from lab.aws_provider import mirror

REPOSITORY = Path(__file__).resolve().parents[1]
ERROR_LINES = 100  # the end of Terraform's output that an error carries: some ten diagnostics
# Terraform collects its garbage when the heap has grown by this much. A plan of envs/production took 4.6 s of
# processor time with Go's 100, and takes 3.2 s with 400.
GARBAGE_PERCENT = "400"
COMMAND_SECONDS = 900  # first init from the registry on a slow line; everything local takes seconds


class TerraformError(Exception):
    """Terraform is missing or failed. The message is one line; `output` has the end of what it wrote."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


def executable() -> str:
    """`terraform` from PATH, else the one beside this Python. Raises TerraformError."""
    found = shutil.which("terraform") or shutil.which("terraform", path=str(Path(sys.executable).parent))
    if not found:
        raise TerraformError("terraform is neither on PATH nor in the virtual environment: run make setup")
    return found


def provider_choice(environ: Mapping[str, str] | None = None) -> str:
    """`lab` or `registry`, from TF_AWS_PROVIDER. Raises TerraformError for anything else."""
    choice = (os.environ if environ is None else environ).get("TF_AWS_PROVIDER", "lab")
    if choice not in ("lab", "registry"):
        raise TerraformError(f"TF_AWS_PROVIDER is {choice!r}; allowed: lab, registry")
    return choice


@dataclass
class Terraform:
    """Commands on one root. As a context manager it keeps one provider running for all of them: faster.

    root: folder with the configuration; only a lock file that Git ignores is written there.
    build_dir: where mirror, plugins, plan and state go; made when missing.
    endpoint: URL of the local AWS; without it nothing can be applied.
    stream: write Terraform's output to standard output while it runs.
    """

    root: Path
    build_dir: Path
    endpoint: str | None = None
    stream: bool = False
    variables: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root = self.root.resolve()
        self.build_dir = self.build_dir.resolve()
        self.build_dir.mkdir(parents=True, exist_ok=True)
        self._env = self._environment()
        self._plugin: subprocess.Popen[str] | None = None
        self._reattach = ""

    def __enter__(self) -> Self:
        if provider_choice() == "lab":
            self._plugin = subprocess.Popen(
                [sys.executable, "-m", "lab.aws_provider", "--many"],
                cwd=self.root,  # file names in the configuration are relative to it
                env={**self._env, "PYTHONPATH": str(mirror.REPOSITORY), "PYTHONSAFEPATH": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert self._plugin.stdout is not None
            self._reattach = self._plugin.stdout.readline().strip()
            if not self._reattach:
                raise TerraformError("the stand-in provider did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        plugin, self._plugin, self._reattach = self._plugin, None, ""
        if plugin is not None:
            try:
                plugin.communicate(timeout=30)  # closes its standard input, which ends it
            except BaseException:  # too late, or Ctrl-C: it must not stay
                plugin.kill()
                plugin.wait()
                raise

    @property
    def state_file(self) -> Path:
        return self.build_dir / "terraform.tfstate"

    @property
    def plan_file(self) -> Path:
        return self.build_dir / "terraform.tfplan"

    def init(self, *, backend: bool = True) -> str:
        """Link modules and provider. With `backend`, local state is kept in the build folder."""
        options = ["-input=false", "-no-color", *([] if backend else ["-backend=false"])]
        lock = self.root / ".terraform.lock.hcl"
        foreign = provider_choice() == "lab" and lock.exists()
        try:
            return self.run("init", *options)
        except TerraformError:
            if not foreign:
                raise
        # Git ignores the lock file. One made with another provider names another version or hash. It is taken
        # away only then: another process may plan in this root and needs the one that fits.
        lock.unlink(missing_ok=True)
        return self.run("init", *options)

    def validate(self) -> str:
        return self.run("validate", "-no-color")

    def plan(self, *options: str) -> bool:
        """Write the plan file; True when something would change."""
        arguments = [*self._state(), *self._variables(), f"-out={self.plan_file}", *options]
        result = self._call("plan", "-input=false", "-no-color", "-detailed-exitcode", *arguments)
        if result.returncode not in (0, 2):
            raise self._failure("plan", result)
        return result.returncode == 2

    def show_json(self) -> dict[str, Any]:
        """The written plan as Terraform's JSON."""
        text = self.run("show", "-json", "-no-color", str(self.plan_file), quiet=True)
        parsed: dict[str, Any] = json.loads(text)
        return parsed

    def apply(self, *options: str) -> str:
        return self.run("apply", "-input=false", "-no-color", "-auto-approve", *self._changing(), *options)

    def apply_plan(self) -> str:
        """Apply exactly the plan that `plan` wrote."""
        return self.run("apply", "-input=false", "-no-color", *self._state(), str(self.plan_file))

    def destroy(self, *options: str) -> str:
        return self.run("destroy", "-input=false", "-no-color", "-auto-approve", *self._changing(), *options)

    def output(self) -> dict[str, Any]:
        """Output values by name."""
        text = self.run("output", "-json", "-no-color", *self._state(), quiet=True)
        return {name: value["value"] for name, value in json.loads(text).items()}

    def test(self, *options: str) -> str:
        """`terraform test` of a module that was initialised."""
        return self.run("test", "-no-color", *options)

    def run(self, command: str, *arguments: str, quiet: bool = False) -> str:
        """Output of one command. Raises TerraformError with its status and last lines."""
        result = self._call(command, *arguments, quiet=quiet)
        if result.returncode != 0:
            raise self._failure(command, result)
        return result.stdout

    # ------------------------------------------------------------------------------------------------------

    def _environment(self) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
        env["TF_DATA_DIR"] = str(self.build_dir / "terraform-data")
        env.setdefault("GOGC", GARBAGE_PERCENT)
        if provider_choice() == "lab":
            env.update(mirror.prepare(self.build_dir))
        else:
            env.update({name: value for name, value in os.environ.items() if name.startswith("AWS_")})
        if self.endpoint:
            env.update(
                AWS_ENDPOINT_URL=self.endpoint,
                AWS_ACCESS_KEY_ID="test",
                AWS_SECRET_ACCESS_KEY="test",  # noqa: S106 - the local AWS's public root key
            )
        env.update(self.environment)
        return env

    def _call(self, command: str, *arguments: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
        """Run and collect. `quiet` keeps standard error apart, for output that a program reads."""
        # `init` is the real one, with the mirror: Terraform would skip a provider that runs already.
        reattach = {"TF_REATTACH_PROVIDERS": self._reattach} if self._reattach and command != "init" else {}
        lines: list[str] = []
        with (
            self._served_state() as served,
            subprocess.Popen(
                [executable(), command, *arguments],
                cwd=self.root,
                env={**self._env, **reattach, **served},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE if quiet else subprocess.STDOUT,
                text=True,
            ) as process,
        ):
            limit = threading.Timer(COMMAND_SECONDS, process.kill)
            limit.start()
            try:
                if quiet:
                    output, errors = process.communicate()
                    return subprocess.CompletedProcess([command], process.returncode, output, errors)
                assert process.stdout is not None
                for line in process.stdout:
                    lines.append(line)
                    if self.stream:
                        print(line, end="", flush=True)
            except BaseException:  # Ctrl-C: Terraform ends what it is doing and begins nothing more
                process.terminate()
                raise
            finally:
                limit.cancel()
        return subprocess.CompletedProcess([command], process.returncode, "".join(lines), "")

    def _failure(self, command: str, result: subprocess.CompletedProcess[str]) -> TerraformError:
        lines = (result.stdout + result.stderr).splitlines()
        first = next((line.strip(" │╷") for line in lines if "Error: " in line), "no error text")
        message = f"terraform {command} in {self.root.name} failed with status {result.returncode}: {first}"
        return TerraformError(message, "\n".join(lines[-ERROR_LINES:]))

    @contextmanager
    def _served_state(self) -> Iterator[Mapping[str, str]]:
        """Serve the state file where the root asks for that; the variables that tell Terraform of it."""
        if not terraform_state.is_selected(self.root):
            yield {}
            return
        with terraform_state.StateServer(self.state_file) as server:
            yield server.environment

    def _state(self) -> list[str]:
        return [] if terraform_state.is_selected(self.root) else [f"-state={self.state_file}"]

    def _variables(self) -> list[str]:
        return [f"-var={name}={_literal(value)}" for name, value in self.variables.items()]

    def _changing(self) -> list[str]:
        return [*self._state(), *self._variables()]


def _literal(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def plan_copy(root: Path, build_dir: Path, *, inputs: Path | None = None, **settings: Any) -> Terraform:
    """Terraform on a copy of a root of this repository below `build_dir`, its state in the build folder.

    The copy is made of links, at the same depth, with links to everything beside the root's ancestors:
    relative module sources and file names work. What a person keeps in the root is not linked: state,
    plugins, values of variables. `inputs` is a file of such values (terraform.tfvars.example) that the copy
    gets instead; `settings` are those of `Terraform`.
    """
    root = root.resolve()
    base = build_dir.resolve() / "checkout"
    copy = base / root.relative_to(REPOSITORY)
    shutil.rmtree(base, ignore_errors=True)
    copy.mkdir(parents=True)
    for folder in [root, *root.parents]:
        here = base / folder.relative_to(REPOSITORY)
        for entry in folder.iterdir():
            link = here / entry.name
            if not link.exists() and not _is_a_persons(entry.name):
                link.symlink_to(entry)
        if folder == REPOSITORY:
            break
    if inputs is not None:
        shutil.copyfile(inputs, copy / "terraform.tfvars")
    terraform_state.select(copy)
    return Terraform(copy, build_dir, **settings)


def _is_a_persons(name: str) -> bool:
    """Whether a file or folder of a checkout is one person's, and must not get into a copy."""
    values = name.endswith((".tfvars", ".tfvars.json"))
    return values or name.startswith((".venv", ".git", ".terraform", "terraform.tfstate"))
