"""Runs a function under one of our bootstraps in a file system like Lambda's, composed by bubblewrap."""

import os
import shutil
import subprocess
import tempfile
import time

from fake_runtime_api import FakeRuntimeApi

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RUNTIMES = os.environ.get("LAMINA_RUNTIMES", REPOSITORY + "/build/dev/runtimes")


def why_not():
    """None, or the sentence that says why this host cannot run these tests."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (apt install bubblewrap)"
    probe = subprocess.run(
        ["bwrap", "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "true"],
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )
    if probe.returncode != 0:
        return "bubblewrap cannot make a sandbox here: " + probe.stderr.strip()
    return None


class Outcome:
    def __init__(self, answers, next_connections, stdout, stderr, exit_code):
        self.answers = answers
        self.next_connections = next_connections
        self.stdout = stdout
        self.stderr = stderr
        self.exit_code = exit_code  # None while the runtime went on waiting for the next event

    @property
    def result(self):
        answer = self.answers[-1]
        if not answer.path.endswith("/response"):
            raise AssertionError("%s: %s\n%s" % (answer.path, answer.body.decode(), self.stdout + self.stderr))
        return answer.json

    @property
    def error(self):
        answer = self.answers[-1]
        if not answer.path.endswith("/error"):
            raise AssertionError("%s: %s" % (answer.path, answer.body.decode()))
        return answer.json


def _write_tree(root, files):
    os.makedirs(root, exist_ok=True)
    for name, content in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(path, 0o755 if content[:2] in ("#!", b"#!") else 0o644)


def run(runtime, binds, handler, code, layers=None, env=None, events=({},), patience=30):
    """`binds` maps folders of the sandbox to the host's; `layers` is the content of /opt."""
    folder = tempfile.mkdtemp(prefix="lamina-runtimes-")
    api = FakeRuntimeApi(events)
    try:
        _write_tree(folder + "/task", code)
        _write_tree(folder + "/opt", layers or {})
        command = ["bwrap", "--unshare-user", "--uid", "993", "--gid", "990", "--unshare-pid", "--die-with-parent"]
        command += ["--ro-bind", "/usr", "/usr"]
        for name in ("/bin", "/lib", "/lib64", "/sbin"):
            if os.path.islink(name):
                command += ["--symlink", os.readlink(name), name]
            elif os.path.exists(name):
                command += ["--ro-bind", name, name]
        command += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
        command += ["--ro-bind", folder + "/task", "/var/task", "--ro-bind", folder + "/opt", "/opt"]
        for inside, outside in binds.items():
            command += ["--tmpfs", inside] if outside is None else ["--ro-bind", outside, inside]
        variables = {
            "_HANDLER": handler,
            "AWS_EXECUTION_ENV": "AWS_Lambda_" + runtime,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_FUNCTION_NAME": "test",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/test",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/31/[$LATEST]0123456789abcdef0123456789abcdef",
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "LAMBDA_TASK_ROOT": "/var/task",
            "LANG": "en_US.UTF-8",
            "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib"
            ":/var/task:/var/task/lib:/opt/lib",
            "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
            "TZ": ":UTC",
        }
        variables.update(env or {})
        command += ["--chdir", "/var/task", "/var/runtime/bootstrap"]
        # bwrap is found through the host's PATH; --clearenv is younger than Debian 11's bwrap.
        command[0] = shutil.which("bwrap")
        with open(folder + "/stdout", "wb") as out, open(folder + "/stderr", "wb") as err:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=variables)
            deadline = time.monotonic() + patience
            while process.poll() is None and not api.idle.wait(0.005) and time.monotonic() < deadline:
                pass
            exit_code = process.poll()
            if exit_code is None:
                process.kill()
                process.wait()
        texts = []
        for name in ("/stdout", "/stderr"):
            with open(folder + name, encoding="utf-8", newline="") as file:
                texts.append(file.read())
        if exit_code is None and not api.idle.is_set():
            raise AssertionError("neither idle nor gone after %d s\n%s" % (patience, "".join(texts)))
        return Outcome(api.answers, api.next_connections, texts[0], texts[1], exit_code)
    finally:
        api.close()
        shutil.rmtree(folder)
