"""Look at a report as people do: in Chromium on a desktop and a phone, light and dark, and on paper.

    python -m tools.look_at_report build/demo/report.html [-o build/look]

Writes a PNG of each (of paper a PDF, and PNGs where pdftoppm is there) and names what is wrong: errors in the
console, something wider than the screen, labels of a chart that overlap or leave their picture. Exit status 0
when nothing is, 1 when something is, 2 without Chromium. Nothing else needs Chromium.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ANSWER_SECONDS = 60.0

# What is wrong with the page as it stands, as a list of sentences.
FAULTS = """
(() => {
  const found = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width)
    found.push(`the page is ${document.documentElement.scrollWidth} px wide, the screen ${width} px`);
  for (const svg of document.querySelectorAll("svg")) {
    const name = ((svg.querySelector("title") || {}).textContent || "a picture").slice(0, 60);
    const frame = svg.getBoundingClientRect();
    const labels = [...svg.querySelectorAll("text")].map(t => [t.textContent, t.getBoundingClientRect()]);
    labels.forEach(([words, box], place) => {
      if (box.left < frame.left - 1 || box.right > frame.right + 1 ||
          box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
        found.push(`${name}: "${words}" leaves the picture`);
      for (const [other, at] of labels.slice(place + 1))
        if (box.left < at.right - 1 && at.left < box.right - 1 &&
            box.top < at.bottom - 3 && at.top < box.bottom - 3)
          found.push(`${name}: "${words}" and "${other}" overlap`);
    });
  }
  return found;
})()
"""


class LookError(Exception):
    """The browser is not there, or does not do what it is told; the text is for whoever asked."""


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at the page. Sizes in CSS pixels."""

    name: str
    width: int
    scheme: str
    is_phone: bool = False


VIEWS = (
    View("desktop-light", 1200, "light"),
    View("desktop-dark", 1200, "dark"),
    View("phone-light", 390, "light", is_phone=True),
    View("phone-dark", 390, "dark", is_phone=True),
)


class Browser:
    """A headless Chromium, spoken to by its DevTools protocol over two pipes. Use as a context manager."""

    def __enter__(self) -> Self:
        name = next((found for name in BROWSERS if (found := shutil.which(name))), None)
        if name is None:
            raise LookError(f"no browser: install one of {', '.join(BROWSERS)}")
        self._folder = tempfile.TemporaryDirectory(prefix="look-")
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        # Chromium reads commands from descriptor 3 and writes answers to 4.
        switches = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
        switches.append(f"--user-data-dir={self._folder.name}")
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$@" 3<&{commands} 4>&{answers}', name, *switches, "about:blank"],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._number, self._buffer = 0, b""
        self.complaints: list[str] = []
        targets = self.call("Target.getTargets", of_page=False)["targetInfos"]
        target = next(each["targetId"] for each in targets if each["type"] == "page")
        attached = self.call("Target.attachToTarget", of_page=False, targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Log", "Runtime"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._commands)
        os.close(self._answers)
        self._folder.cleanup()

    def call(self, method: str, *, of_page: bool = True, **parameters: Any) -> dict[str, Any]:
        """Give a command's answer. Raises LookError when there is none in time, or it is an error."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if of_page:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        for answer in self._messages():
            self._listen(answer)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise LookError(f"{method}: {answer['error'].get('message')}")
                result: dict[str, Any] = answer["result"]
                return result
        raise LookError(f"{method}: no answer within {ANSWER_SECONDS:.0f} s")

    def wait_for(self, event: str) -> None:
        """Wait for an event of the page."""
        for message in self._messages():
            self._listen(message)
            if message.get("method") == event:
                return
        raise LookError(f"{event} did not come within {ANSWER_SECONDS:.0f} s")

    def _messages(self) -> Iterator[dict[str, Any]]:
        deadline = time.monotonic() + ANSWER_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            message, separator, rest = self._buffer.partition(b"\0")
            if separator:
                self._buffer = rest
                yield json.loads(message)
                continue
            if select.select([self._answers], [], [], left)[0]:
                piece = os.read(self._answers, 1 << 20)
                if not piece:
                    raise LookError("the browser ended")
                self._buffer += piece

    def _listen(self, message: dict[str, Any]) -> None:
        """Keep what the page complains about."""
        match message.get("method"), message.get("params", {}):
            case "Log.entryAdded", {"entry": {"level": "error" | "warning" as level, "text": text}}:
                self.complaints.append(f"console, {level}: {text}")
            case "Runtime.exceptionThrown", {"exceptionDetails": {"text": text}}:
                self.complaints.append(f"console, exception: {text}")
            case "Runtime.consoleAPICalled", {"type": "error" | "warning" as level}:
                self.complaints.append(f"console, {level}")


def look(page: Path, folder: Path) -> Iterator[str]:
    """Write the pictures into the folder; give what is wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    with Browser() as browser:
        for view in VIEWS:
            _show(browser, page, view)
            faults = browser.call("Runtime.evaluate", expression=FAULTS, returnByValue=True)
            yield from (f"{view.name}: {fault}" for fault in faults["result"]["value"])
            shot = browser.call("Page.captureScreenshot", captureBeyondViewport=True)
            (folder / f"{view.name}.png").write_bytes(base64.b64decode(shot["data"]))
        _show(browser, page, VIEWS[0])
        paper = browser.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        (folder / "paper.pdf").write_bytes(base64.b64decode(paper["data"]))
        yield from browser.complaints
    if shutil.which("pdftoppm"):
        command = ["pdftoppm", "-png", "-r", "80", str(folder / "paper.pdf"), str(folder / "paper")]
        subprocess.run(command, check=True)


def _show(browser: Browser, page: Path, view: View) -> None:
    browser.call(
        "Emulation.setDeviceMetricsOverride",
        width=view.width,
        height=900,
        deviceScaleFactor=2 if view.is_phone else 1,
        mobile=view.is_phone,
    )
    scheme = {"name": "prefers-color-scheme", "value": view.scheme}
    browser.call("Emulation.setEmulatedMedia", features=[scheme])
    browser.call("Page.navigate", url=page.resolve().as_uri())
    browser.wait_for("Page.loadEventFired")
    height = browser.call("Page.getLayoutMetrics")["cssContentSize"]["height"]
    # As high as the page, so that the picture shows all of it.
    browser.call(
        "Emulation.setDeviceMetricsOverride",
        width=view.width,
        height=round(height),
        deviceScaleFactor=2 if view.is_phone else 1,
        mobile=view.is_phone,
    )


def main() -> int:
    """Look at a page; print what is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("page", type=Path, help="the HTML file")
    parser.add_argument("-o", "--output", type=Path, default=Path("build/look"), help="folder for pictures")
    arguments = parser.parse_args()
    if not arguments.page.is_file():
        parser.error(f"{arguments.page} is no file")
    try:
        faults = list(look(arguments.page, arguments.output))
    except LookError as exc:
        sys.stderr.write(f"look: {exc}\n")
        return 2
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    sys.stdout.write(f"{len(faults)} faults; pictures in {arguments.output}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
