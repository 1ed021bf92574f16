#!/usr/bin/env python3
"""What a first and a second cold start of a big layer cost by several ways to its files (docs/lazy-extraction.md).

    make_layer.py /var/tmp/lazy
    measure.py /var/tmp/lazy --lamina build/release/bin/lamina --rounds 9   adds to /var/tmp/lazy/rows.jsonl
    measure.py /var/tmp/lazy --table                                        medians of all rows there

As root (EROFS, passthrough and a device node need that); the rest runs as user 1000. Needs g++, libdeflate, nettle,
erofs-utils. All ways take turns, in another order each round. A start is timed from the decision until the last
`import` is done, on the monotonic clock. Every extraction goes into a fresh folder: on ext4 a tree that is made where
one was just deleted measures the inode allocator. Delete the folder afterwards. A virtual machine's memory is slow at the
first touch, so before every run some is touched and given back, and what a run wrote leaves the page cache after it.
"""

import argparse
import json
import mmap
import os
import random
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ORDINARY_USER = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]
IMPORTS = {"numpy": "numpy", "pandas": "numpy,pandas", "all": "numpy,pandas,scipy.stats,sklearn.linear_model"}
HANDLER = """import time
import numpy, pandas
END = time.monotonic_ns()


def handler(event, context):
    return END
"""


class Measurement:
    def __init__(self, folder, lamina):
        self.folder = os.path.abspath(folder)
        self.zip = os.path.join(self.folder, "layer.zip")
        self.lamina = os.path.abspath(lamina)
        self.work = os.path.join(self.folder, "work")
        self.fresh = time.monotonic_ns()
        for name in ("", "mount", "mount/zip", "mount/opt", "above", "erofs", "stores", "code", "reports"):
            os.makedirs(os.path.join(self.work, name), exist_ok=True)
            os.chmod(os.path.join(self.work, name), 0o777)
        os.chmod(self.folder, 0o755)
        self.tool = os.path.join(self.work, "zip_mount")
        source = os.path.join(HERE, "zip_mount.cpp")
        if not os.path.exists(self.tool) or os.path.getmtime(self.tool) < os.path.getmtime(source):
            subprocess.run(["g++", "-std=c++20", "-O2", "-o", self.tool, source, "-ldeflate", "-lnettle", "-lpthread"],
                           check=True)
        shutil.copy(os.path.join(HERE, "import_them.py"), self.work)
        with open(os.path.join(self.work, "code/app.py"), "w", encoding="utf-8") as file:
            file.write(HANDLER)
        # Most distributions give /dev/fuse mode 0666; where it is root's alone, this node stands for theirs.
        self.device = os.path.join(self.work, "fuse")
        if not os.path.exists(self.device):
            os.mknod(self.device, 0o20666, os.stat("/dev/fuse").st_rdev)
        os.chmod(self.device, 0o666)
        self.store = os.path.join(self.work, "store")
        if not os.path.exists(self.store):
            os.mkdir(self.store)
            os.chmod(self.store, 0o777)
            self.run([*ORDINARY_USER, self.lamina, "store", "add", self.zip], LAMINA_HOME=self.store)
        self.tree = self.tree_in(self.store)
        self.images = {"plain": os.path.join(self.work, "plain.erofs"), "lz4": os.path.join(self.work, "lz4.erofs")}
        for name, image in self.images.items():
            if not os.path.exists(image):
                self.make_image(name, image, self.tree)

    def run(self, command, **environment):
        return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": self.work, **environment}).stdout

    def new_store(self):
        self.fresh += 1
        path = os.path.join(self.work, "stores", str(self.fresh))
        os.mkdir(path)
        os.chmod(path, 0o777)
        return path

    @staticmethod
    def tree_in(store):
        trees = os.path.join(store, "trees")
        return os.path.join(trees, os.listdir(trees)[0])

    def make_image(self, name, image, tree):
        more = ["-zlz4"] if name == "lz4" else []
        self.run(["mkfs.erofs", "--quiet", "-x-1", *more, image, tree])

    def importing(self, tree, key):
        return ["/usr/bin/python3", "-I", "-S", "-B", os.path.join(self.work, "import_them.py"), tree, IMPORTS[key]]

    def timed_import(self, started, tree, key, prefix=(), user=ORDINARY_USER):
        ends = self.run([*user, *prefix, *self.importing(tree, key)], LD_LIBRARY_PATH=tree + "/lib").split()
        return [(int(end) - started) / 1e6 for end in ends]

    # ---- the ways ----

    def full(self, key):
        store = self.new_store()
        started = time.monotonic_ns()
        self.run([*ORDINARY_USER, self.lamina, "store", "add", self.zip], LAMINA_HOME=store)
        extracted = time.monotonic_ns()
        total, = self.timed_import(started, self.tree_in(store), key)
        return {"total": total, "extract": (extracted - started) / 1e6}

    def found(self, key):
        return {"total": self.timed_import(time.monotonic_ns(), self.tree, key)[0]}

    def invoke(self, store):
        started = time.monotonic_ns()
        end = self.run([*ORDINARY_USER, self.lamina, "invoke", "--code", os.path.join(self.work, "code"), "--runtime",
                        "python3.11", "--handler", "app.handler", "--memory", "3008", "--timeout", "60", "--layer",
                        self.zip], LAMINA_HOME=store)
        return {"total": (int(end) - started) / 1e6}

    def fuse(self, key, mode, *more, user=ORDINARY_USER, beside=None):
        report = os.path.join(self.work, "reports", f"{mode}.json")
        if os.path.exists(report):
            os.remove(report)
        mount = os.path.join(self.work, "mount")
        tree = mount + "/opt" if "--overlay" in more else mount
        own = ["--device", self.device, "--user-namespace"] if user else []
        prefix = [self.tool, "--mode", mode, *own, *more, "--report", report, self.zip, mount]
        started = time.monotonic_ns()
        other = beside(started) if beside else None
        ends = self.timed_import(started, tree, key, prefix, user)
        row = {"total": ends[0]}
        if len(ends) > 1:
            row["end of the second"] = ends[1]
        if other:
            row["extracted"] = other()
        with open(report, encoding="utf-8") as file:
            row["counters"] = json.load(file)
        return row

    def background(self, started):
        store = self.new_store()
        process = subprocess.Popen(["nice", "-n", "19", *ORDINARY_USER, self.lamina, "store", "add", self.zip],
                                   env={"PATH": "/usr/bin:/bin", "LAMINA_HOME": store}, stdout=subprocess.DEVNULL)

        def wait():
            process.wait()
            return (time.monotonic_ns() - started) / 1e6
        return wait

    def erofs(self, key, name):
        point = os.path.join(self.work, "erofs")
        started = time.monotonic_ns()
        # Linux 6.12 and newer mount the file itself; older ones want -o loop.
        self.run(["mount", "-i", "-t", "erofs", "-o", "ro", self.images[name], point])
        try:
            return {"total": self.timed_import(started, point, key)[0]}
        finally:
            self.run(["umount", point])

    def convert(self, name):
        self.fresh += 1
        image = os.path.join(self.work, "stores", f"{self.fresh}.erofs")
        started = time.monotonic_ns()
        self.make_image(name, image, self.tree)
        ended = time.monotonic_ns()
        return {"total": (ended - started) / 1e6, "bytes": os.path.getsize(image)}

    def flatten(self):
        self.fresh += 1
        started = time.monotonic_ns()
        self.run([self.tool, "--hash", "--flatten", os.path.join(self.work, "stores", str(self.fresh)), self.zip])
        return {"total": (time.monotonic_ns() - started) / 1e6}

    def ways(self):
        ways = {"full extraction, store add / pandas": lambda: self.full("pandas"),
                "lamina invoke, empty store / pandas": lambda: self.invoke(self.new_store()),
                "lamina invoke, found in the store / pandas": lambda: self.invoke(self.store),
                "fuse store, second start, new mount / pandas": lambda: self.fuse("pandas", "store"),
                "fuse store, twice in one mount / pandas": lambda: self.fuse("pandas", "store", "--twice"),
                "fuse store, below overlayfs / pandas": lambda: self.fuse(
                    "pandas", "store", "--hash", "--overlay", os.path.join(self.work, "above")),
                "fuse store, extraction behind it / pandas": lambda: self.fuse(
                    "pandas", "store", "--hash", beside=self.background),
                "fuse store, inflating ahead / pandas": lambda: self.fuse("pandas", "store", "--hash", "--ahead"),
                "mkfs.erofs out of the tree, plain": lambda: self.convert("plain"),
                "mkfs.erofs out of the tree, lz4": lambda: self.convert("lz4"),
                "hash and inflate into one file": self.flatten}
        for key in IMPORTS:
            ways |= {f"tree in the store / {key}": lambda key=key: self.found(key),
                     f"fuse read / {key}": lambda key=key: self.fuse(key, "read", "--hash"),
                     f"fuse store / {key}": lambda key=key: self.fuse(key, "store", "--hash"),
                     f"fuse passthrough, root / {key}": lambda key=key: self.fuse(key, "passthrough", "--hash", user=()),
                     f"erofs plain, image there / {key}": lambda key=key: self.erofs(key, "plain"),
                     f"erofs lz4, image there / {key}": lambda key=key: self.erofs(key, "lz4")}
        return ways


def touch_memory(size=768 << 20):
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE):
        pass


def leave_page_cache(folder):
    os.sync()
    if os.path.isfile(folder):
        with open(folder, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def table(rows):
    values = {}
    for row in rows:
        for name, value in row.items():
            if isinstance(value, (int, float)) and name != "round":
                values.setdefault((row["way"], name), []).append(value)
    print("| way | value | median | least | most | n |\n|---|---|---:|---:|---:|---:|")
    for (way, name), numbers in sorted(values.items()):
        print(f"| {way} | {name} | {statistics.median(numbers):.0f} | {min(numbers):.0f} | {max(numbers):.0f} | "
              f"{len(numbers)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--lamina", default="build/release/bin/lamina")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="ways that have this in their names")
    parser.add_argument("--rows", default="rows.jsonl")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    rows = os.path.join(options.folder, options.rows)
    if options.table:
        with open(rows, encoding="utf-8") as file:
            return table([json.loads(line) for line in file])
    measurement = Measurement(options.folder, options.lamina)
    ways = {name: way for name, way in measurement.ways().items() if options.only in name}
    stores = os.path.join(measurement.work, "stores")
    known = set(os.listdir(stores))
    for number in range(options.rounds):
        for name in random.sample(sorted(ways), len(ways)):
            touch_memory()
            row = {"way": name, "round": number, **ways[name]()}
            for made in set(os.listdir(stores)) - known:
                leave_page_cache(os.path.join(stores, made))
            known = set(os.listdir(stores))
            with open(rows, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
