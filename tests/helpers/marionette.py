"""Drives a headless Firefox as its own tests do: over Marionette, a socket to which commands are sent as JSON.

Each message is its length, a colon and [type, number, command, parameters]; the answer [type, number, error, result].
(firefox-source-docs.mozilla.org/testing/marionette/Protocol.html) Playwright drives only a Firefox of its own make.
"""

import json
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

PREFERENCES = {
    "marionette.port": 0,  # any free one, which Firefox writes into a file of its profile
    "datareporting.policy.dataSubmissionEnabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "app.update.disabledForTesting": True,
    "network.proxy.type": 0,
}


def find_firefox():
    """The path of the system's Firefox, or None."""
    return next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)


class Page:
    """The one window of a Firefox; scripts run in its page."""

    def __init__(self, connection, seconds):
        self.connection, self.count = connection, 0
        self.stream = connection.makefile("rb")
        self.hello = self._read()
        self.version = self.command("WebDriver:NewSession")["capabilities"]["browserVersion"]
        self.command("WebDriver:SetTimeouts", {"script": seconds * 1000})

    def _read(self):
        length = b""
        while (byte := self.stream.read(1)) != b":":
            if not byte:
                raise ConnectionError("Firefox has closed the connection")
            length += byte
        return json.loads(self.stream.read(int(length)))

    def command(self, name, parameters=None):
        """Send a command; its result. RuntimeError with what Firefox says where it fails."""
        self.count += 1
        message = json.dumps([0, self.count, name, parameters or {}]).encode()
        self.connection.sendall(str(len(message)).encode() + b":" + message)
        _, _, error, result = self._read()
        if error:
            raise RuntimeError(f"{name}: {error['error']}: {error['message']}")
        return result

    def goto(self, address):
        """Open an address, and wait for its page."""
        self.command("WebDriver:Navigate", {"url": address})

    def evaluate(self, function, *arguments):
        """What a JavaScript function gives for these arguments, awaited."""
        script = f"return ({function})(...arguments);"
        return self.command(
            "WebDriver:ExecuteScript", {"script": script, "args": list(arguments), "sandbox": None, "newSandbox": False}
        )["value"]

    def wait_for(self, condition, seconds, every=0.5):
        """Wait until a JavaScript expression is true; TimeoutError after so many seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.evaluate(f"() => Boolean({condition})"):
                return
            time.sleep(every)
        raise TimeoutError(f"{condition} did not come true within {seconds} s")


@contextmanager
def firefox(seconds=600):
    """Yield the `Page` of a headless Firefox with a fresh profile; scripts may take so many seconds."""
    path = find_firefox()
    if path is None:
        raise RuntimeError("no firefox-esr or firefox on the PATH")
    with tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True) as profile:
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items())
        (Path(profile) / "user.js").write_text("".join(lines), encoding="utf-8")
        process = subprocess.Popen(
            [path, "--headless", "--no-remote", "--marionette", "--profile", profile],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            port = Path(profile) / "MarionetteActivePort"
            end = time.monotonic() + 120
            while not (port.is_file() and port.read_text()):
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"Firefox did not start (it ended with {process.poll()})")
                time.sleep(0.2)
            with socket.create_connection(("127.0.0.1", int(port.read_text()))) as connection:
                yield Page(connection, seconds)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
