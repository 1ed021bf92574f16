"""A headless browser that may reach nothing, driven by WebDriver: what a page is once it is drawn.

Debian's chromium and chromium-driver, spoken to with what Python brings along.
"""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request

KEYS = {"left": "\ue012", "right": "\ue014", "tab": "\ue004", "space": "\ue00d"}


def missing_program():
    """Name of what is not installed; None when a browser can be had."""
    for program in ("chromium", "chromedriver"):
        if not shutil.which(program):
            return program
    return None


class Browser:
    """One browser with an empty profile in `folder`; a context manager that ends all its processes."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        # A port of the driver's own choice, which it prints.
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       start_new_session=True,
                                       env={"PATH": "/usr/bin:/bin", "HOME": self.folder, "TMPDIR": self.folder,
                                            "LANG": "C.UTF-8"})
        try:
            port = None
            for line in self.driver.stdout:
                if found := re.search(rb"successfully on port (\d+)", line):
                    port = int(found.group(1))
                    break
            if port is None:
                raise RuntimeError("chromedriver names no port")
            self.base = f"http://127.0.0.1:{port}"
            self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                         "--hide-scrollbars", f"--user-data-dir={self.folder}/profile",
                         "--host-resolver-rules=MAP * ~NOTFOUND", "--disable-background-networking",
                         "--disable-component-update", "--no-first-run"]
            session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome",
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
                "goog:chromeOptions": {"binary": shutil.which("chromium"), "args": arguments}}}})
            self.base += "/session/" + session["sessionId"]
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.call("DELETE", "")
        finally:
            self.end()

    def end(self):
        self.driver.terminate()
        try:
            self.driver.wait(10)
        except subprocess.TimeoutExpired:
            pass
        # Whatever it started is of its group, also when a session was never made.
        try:
            os.killpg(self.driver.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.driver.wait()
        self.driver.stdout.close()

    def call(self, method, path, body=None):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with self.opener.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode(errors="replace")[:2000]) from None

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """`script` is the body of a function in the page; its arguments are arguments[0] and so on."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def size(self, width, height=1000):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                      mobile=False)

    def prefer(self, scheme):
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def press(self, *keys):
        strokes = []
        for key in keys:
            strokes += [{"type": "keyDown", "value": KEYS[key]}, {"type": "keyUp", "value": KEYS[key]}]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]})

    def log(self, kind):
        """New entries of "browser" (the console) or "performance" (what DevTools saw)."""
        return self.call("POST", "/se/log", {"type": kind})

    def requested(self):
        """Addresses that pages asked for since the last call."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        return [message["params"]["request"]["url"] for message in messages
                if message["method"] == "Network.requestWillBeSent"]

    def screenshot(self, path):
        """The whole page as a PNG file."""
        picture = self.devtools("Page.captureScreenshot", captureBeyondViewport=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))
