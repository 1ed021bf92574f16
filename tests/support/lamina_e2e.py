"""What the end-to-end tests share: a space of their own, makers of archives, and a way to run the binary.

LAMINA_BIN names the binary and LAMINA_TEST_PROGRAMS the folder of the subject programs. Tests run once as
root and once as an ordinary user. What this host cannot do is skipped with a sentence; with CI=true it
fails instead, unless LAMINA_ALLOWED_SKIPS (comma-separated) names the reason's key.
"""

import io
import json
import os
import platform
import re
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
import uuid
import warnings
import zipfile

LAMINA = os.path.abspath(os.environ.get("LAMINA_BIN", "build/dev/bin/lamina"))
PROGRAMS = os.environ.get("LAMINA_TEST_PROGRAMS",
                          os.path.join(os.path.dirname(os.path.dirname(LAMINA)), "tests", "programs"))
BOOTSTRAP = os.path.join(PROGRAMS, "bootstrap")

ORDINARY_UID = 1000
HOST_ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
REQUEST_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
UNPACKED_LIMIT = 262_144_000

ROLES = ("root", "user")


def for_each_user(case):
    """Class decorator: the test case once as root and once as an ordinary user."""
    module = sys.modules[case.__module__]
    for role in ROLES:
        name = f"{case.__name__}_as_{role}"
        setattr(module, name, type(name, (case,), {"role": role, "__module__": case.__module__}))
    return None


def for_root(case):
    case.role = "root"
    return case


class Run:
    """What one run of the binary left: exit code, stdout, stderr, and the report of --json."""

    def __init__(self, code, stdout, stderr, report):
        self.code, self.stdout, self.stderr, self.report = code, stdout, stderr, report

    @property
    def lines(self):
        return self.stdout.decode().splitlines()

    @property
    def json(self):
        return json.loads(self.stdout)

    @property
    def log(self):
        return self.stderr.decode(errors="replace")

    @property
    def error(self):
        """The text after `error: `, or empty."""
        found = re.search(r"^error: (.*)\Z", self.log, re.MULTILINE | re.DOTALL)
        return found.group(1).strip() if found else ""

    def __str__(self):
        return f"exit {self.code}\nstdout: {self.stdout[:2000]!r}\nstderr:\n{self.log[-4000:]}"


class TestSpace:
    """A folder with an empty store, a home and a scratch folder, all owned by the user that the role names."""

    def __init__(self, role):
        self.role = role
        self.root = tempfile.mkdtemp(prefix=f"lamina-e2e-{role}-")
        os.chmod(self.root, 0o755)
        self.home = self.folder("home")
        self.store = self.folder("store")
        self.scratch = self.folder("scratch")
        self.mark = "mark" + uuid.uuid4().hex
        self.pids = set()
        for owned in (self.root, self.home, self.store, self.scratch):
            self.give(owned)

    def remove(self):
        # A store tree may hold folders that their owner cannot enter.
        for folder, names, _ in os.walk(self.root):
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    os.chmod(path, 0o755)
        shutil.rmtree(self.root, ignore_errors=True)

    # ---- files ----

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def folder(self, *parts):
        os.makedirs(self.path(*parts), exist_ok=True)
        return self.path(*parts)

    def give(self, path):
        if self.role == "user" and os.geteuid() == 0:
            os.chown(path, ORDINARY_UID, ORDINARY_UID, follow_symlinks=False)

    def write(self, name, content, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.chmod(path, mode)
        return path

    def tree(self, name, files):
        """A folder of files: {path: content or (content, mode)}."""
        for path, content in files.items():
            self.write(os.path.join(name, path), *(content if isinstance(content, tuple) else (content,)))
        return self.folder(name)

    def zip(self, name, entries, **options):
        path = self.path(name)
        with open(path, "wb") as file:
            file.write(zip_bytes(entries, **options))
        return path

    def tar(self, name, entries):
        path = self.path(name)
        if name.endswith(".zst"):
            plain = self.tar(name[:-4], entries)
            subprocess.run(["zstd", "-q", "-f", plain, "-o", path], check=True)
            return path
        mode = "w:gz" if name.endswith((".gz", ".tgz")) else "w"
        with tarfile.open(path, mode) as archive:
            for entry in entries:
                archive.addfile(entry.tar_info(), io.BytesIO(entry.content))
        return path

    def custom_code(self, name="code"):
        """A function package that holds the subject runtime."""
        folder = self.folder(name)
        target = os.path.join(folder, "bootstrap")
        if not os.path.exists(target):
            shutil.copyfile(BOOTSTRAP, target)
            os.chmod(target, 0o755)
        return folder

    # ---- running ----

    def environment(self, **extra):
        variables = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": self.home,
                     "LAMINA_HOME": self.store, "TMPDIR": self.scratch, "LAMINA_TEST_MARK": self.mark,
                     "LANG": "C.UTF-8"}
        variables.update(extra)
        return {key: value for key, value in variables.items() if value is not None}

    def as_role(self, command):
        if self.role == "user" and os.geteuid() == 0:
            return ["/usr/bin/setpriv", f"--reuid={ORDINARY_UID}", f"--regid={ORDINARY_UID}", "--clear-groups",
                    *command]
        return command

    def start(self, *arguments, variables=None, before=(), **options):
        """The running process; `before` are words of a command that wraps it (unshare, prlimit, ...)."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen([*before, *self.as_role([LAMINA, *map(str, arguments)])],
                                   env=self.environment(**(variables or {})), cwd=self.root, **options)
        self.pids.add(process.pid)
        return process

    def run(self, *arguments, input=None, timeout=60, **options):
        if input is not None:
            options["stdin"] = subprocess.PIPE
        process = self.start(*arguments, **options)
        try:
            stdout, stderr = process.communicate(input, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            raise AssertionError(f"lamina did not end in {timeout} s\n{stderr.decode(errors='replace')}") from None
        return Run(process.returncode, stdout, stderr, None)

    def invoke(self, handler="echo", *arguments, event=None, code=None, runtime="provided.al2023", layers=(),
               report=False, **options):
        """`lamina invoke` of the subject runtime, unless `code` and `runtime` name another function."""
        command = ["invoke", "--code", code or self.custom_code(), "--runtime", runtime, "--handler", handler]
        for layer in layers:
            command += ["--layer", layer]
        if event is not None:
            command += ["-d", json.dumps(event)]
        report_file = os.path.join(self.scratch, f"report-{uuid.uuid4().hex}.json")
        if report:
            command += ["--json", report_file]
        result = self.run(*command, *arguments, **options)
        if report and os.path.exists(report_file):
            with open(report_file, encoding="utf-8") as file:
                result.report = json.load(file)
            os.unlink(report_file)
        return result

    # ---- what a run left on the host ----

    def processes(self):
        """Pids of what was started from this space: its mark is in their environment."""
        found = []
        needle = self.mark.encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if needle in file.read():
                        found.append(int(pid))
            except OSError:
                continue
        return found

    def is_anothers_cgroup(self, folder):
        """Other runs on this machine may be killed too; ours are told by the pid in their name."""
        found = re.fullmatch(r"lamina-(\d+)-\d+", os.path.basename(folder))
        return bool(found) and int(found.group(1)) not in self.pids

    def traces(self):
        """The host as far as a run could change it."""
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            mounts = {line.split(" ")[4] for line in file}
        return {
            "mounts": mounts,
            "cgroups": {folder for folder in cgroup_folders() if not self.is_anothers_cgroup(folder)},
            # Not what the store remembers, nor its locks: removing a lock would race with whoever waits for it.
            "store": {os.path.relpath(os.path.join(folder, name), self.store)
                      for folder, folders, files in os.walk(self.store)
                      if os.path.basename(folder) not in ("locks", "seen", "remembered") for name in folders + files},
            "home": set(os.listdir(self.home)),
            "scratch": set(os.listdir(self.scratch)),
            "tmp": {name for name in os.listdir("/tmp") if "lamina" in name and "e2e" not in name},
        }


def cgroup_folders():
    found = set()
    for folder, _, _ in os.walk("/sys/fs/cgroup"):
        found.add(folder)
    return found


def leftovers(space, before, seconds=3.0):
    """What is on the host now and was not before, after a short time for it to go: colleagues' runs come and
    go on the same machine, a leftover stays."""
    end = time.monotonic() + seconds
    now = space.traces()
    new = {kind: now[kind] - before[kind] for kind in now}
    processes = set(space.processes())
    while (any(new.values()) or processes) and time.monotonic() < end:
        time.sleep(0.02)
        now = space.traces()
        new = {kind: new[kind] & now[kind] for kind in new}
        processes &= set(space.processes())
    left = {kind: sorted(names) for kind, names in new.items() if names}
    if processes:
        left["processes"] = sorted(processes)
    return left


class EndToEndTest(unittest.TestCase):
    """A test case with a fresh space for each test."""

    role = "root"
    maxDiff = None

    def setUp(self):
        for needed in (LAMINA, BOOTSTRAP):
            if not os.path.exists(needed):
                self.fail(f"{needed} does not exist; build first, or set LAMINA_BIN")
        if self.role == "root" and os.geteuid() != 0:
            self.cannot("not-root", "the tests were not started as root")
        if self.role == "user" and os.geteuid() == 0:
            reason = why_no_ordinary_user()
            if reason:
                self.cannot("no-ordinary-user", reason)
        self.space = TestSpace(self.role)
        self.addCleanup(self.space.remove)

    def cannot(self, key, sentence):
        """This host cannot run the test: a skip, or on the machine that runs CI a failure."""
        allowed = os.environ.get("LAMINA_ALLOWED_SKIPS", "").split(",")
        if os.environ.get("CI") == "true" and key not in allowed:
            self.fail(f"nothing may skip here ({key}): {sentence}")
        self.skipTest(sentence)

    def needs_program(self, name):
        path = shutil.which(name)
        if not path:
            self.cannot(f"no-{name}", f"{name} is not installed")
        return path

    def managed_runtime(self, language):
        """A runtime of this language that the host serves, as doctor lists them."""
        names = [row["name"] for row in self.space.run("doctor", "--json").json["runtimes"]]
        found = [name for name in names if name.startswith(language)]
        if not found:
            self.cannot(f"no-{language}", f"this host has no {language} that Lamina can serve")
        return found[0]

    def needs_root(self):
        if os.geteuid() != 0:
            self.cannot("not-root", "the tests were not started as root")

    def assert_returned(self, run):
        self.assertEqual(run.code, 0, run)
        return run.json

    def assert_function_failed(self, run):
        self.assertEqual(run.code, 1, run)
        return run.json

    def assert_refused(self, run, *words, noun=None, reference=None):
        """Exit code 2, nothing on stdout, and one error in the form `error: <noun> "<ref>": why. remedy.`"""
        self.assertEqual(run.code, 2, run)
        self.assertEqual(run.stdout, b"", run)
        self.assertEqual(len(re.findall(r"^error: ", run.log, re.MULTILINE)), 1, run)
        self.assertNotEqual(run.error, "", run)
        if noun:
            start = noun + (f' "{reference}"' if reference else "")
            self.assertTrue(run.error.startswith(start + ":"), f"wanted {start}: ...\n{run}")
        for word in words:
            self.assertIn(word, run.error, str(run))
        self.assertRegex(run.error, r"[.\"']\Z", "a whole sentence")


def why_no_ordinary_user():
    def try_as_user(*command):
        return subprocess.run(["/usr/bin/setpriv", f"--reuid={ORDINARY_UID}", f"--regid={ORDINARY_UID}",
                               "--clear-groups", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              check=False).returncode == 0
    if not os.path.exists("/usr/bin/setpriv"):
        return "setpriv is not installed"
    if not try_as_user("/usr/bin/unshare", "--user", "--map-root-user", "--mount", "/bin/true"):
        return "this host does not let ordinary users make user namespaces"
    if not try_as_user("/usr/bin/test", "-x", LAMINA):
        return f"an ordinary user cannot reach {LAMINA}"
    return ""


# ---- archives ----

class Entry:
    """One entry of an archive. `mode` None in a zip: made by a program that stores no unix modes."""

    def __init__(self, name, content=b"", mode=0o644, link=None, kind=stat.S_IFREG, method=zipfile.ZIP_DEFLATED):
        self.name, self.mode, self.kind, self.method = name, mode, kind, method
        self.content = content.encode() if isinstance(content, str) else content
        self.link = link
        if link is not None:
            self.kind, self.content = stat.S_IFLNK, link.encode()
            self.mode = 0o777 if mode is not None else None

    def zip_info(self):
        info = zipfile.ZipInfo(self.name, (2024, 1, 2, 3, 4, 6))
        info.compress_type = self.method
        if self.mode is None:
            info.create_system = 0
        else:
            info.create_system = 3
            info.external_attr = (self.kind | self.mode) << 16
        return info

    def tar_info(self):
        info = tarfile.TarInfo(self.name)
        info.mode, info.mtime = self.mode, 1704164646
        types = {stat.S_IFLNK: tarfile.SYMTYPE, stat.S_IFDIR: tarfile.DIRTYPE, stat.S_IFCHR: tarfile.CHRTYPE,
                 stat.S_IFBLK: tarfile.BLKTYPE, stat.S_IFIFO: tarfile.FIFOTYPE}
        info.type = types.get(self.kind, tarfile.REGTYPE)
        if self.link is not None:
            info.linkname = self.link
        if info.type == tarfile.REGTYPE:
            info.size = len(self.content)
        return info


def file_entry(name, content="", mode=0o644, **options):
    return Entry(name, content, mode, **options)


def folder_entry(name, mode=0o755):
    return Entry(name.rstrip("/") + "/", b"", mode, kind=stat.S_IFDIR, method=zipfile.ZIP_STORED)


def link_entry(name, target):
    return Entry(name, link=target)


def zip_bytes(entries, level=6):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compresslevel=level) as archive:
        for entry in entries:
            info = entry.zip_info()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # duplicate names are a case under test
                archive.writestr(info, entry.content, compresslevel=level)
    return buffer.getvalue()


def patched_headers(archive, local_offset, central_offset, size, value):
    """A zip whose one entry has a field changed in both of its headers."""
    data = bytearray(archive)
    local, central = data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02")
    for start in (local + local_offset, central + central_offset):
        data[start:start + size] = value.to_bytes(size, "little")
    return bytes(data)


# ---- small functions ----

def kill_all(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
