"""The archives that scripts/bench unpacks: real content, from the registries that users take it from, zipped as they
zip it (deflate, level 6). Built once and kept in build/bench-inputs, so that a second run needs no network.

What cannot be built here (no network, another distribution) raises Unavailable with the reason; it is then said to
be missing.
"""

import collections
import glob
import os
import random
import shutil
import stat
import subprocess
import tempfile
import zipfile

Archive = collections.namedtuple("Archive", "name path bytes files")

# Part of every file name: a changed recipe is built anew.
RECIPE = 1

NPM_PACKAGES = ["aws-sdk@2.1692.0", "typescript@5.6.3", "lodash@4.17.21", "date-fns@2.30.0", "rxjs@7.8.1"]
PYTHON_PACKAGES = ["python3-numpy", "python3-pandas", "python3-pandas-lib", "python3-scipy"]
# The first of each row that the distribution has: Debian 12 and Ubuntu 24.04 number them differently.
NATIVE_PACKAGES = [["libllvm15", "libllvm17t64"], ["libavcodec59", "libavcodec60"],
                   ["libavfilter8", "libavfilter9"], ["libavformat59", "libavformat60"],
                   ["libopencv-core406", "libopencv-core406t64"], ["libopencv-imgproc406", "libopencv-imgproc406t64"],
                   ["libopencv-dnn406", "libopencv-dnn406t64"], ["libopenblas0-pthread"], ["libx265-199"],
                   ["libgtk-3-0", "libgtk-3-0t64"], ["libmagickcore-6.q16-6", "libmagickcore-6.q16-7t64"]]
SMALL_FILES = 35_000
SMALL_BYTES = 245_000_000


# A registry that cannot be reached is tried again and again by its client.
LONGEST_SECONDS = 180


class Unavailable(Exception):
    pass


def run(command, **more):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              timeout=LONGEST_SECONDS, **more)
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{' '.join(command[:2])} did not end in {LONGEST_SECONDS} s") from error
    except OSError as error:
        raise Unavailable(f"{command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        last = done.stdout.decode(errors="replace").strip().splitlines()[-1:]
        raise Unavailable(f"{' '.join(command[:3])} ... failed: {' '.join(last)}")
    return done.stdout.decode(errors="replace")


def unpacked_packages(packages, scratch):
    """The files of Debian packages below the folder that is returned; nothing is installed."""
    downloads = os.path.join(scratch, "packages")
    os.makedirs(downloads)
    # Fetched as whoever runs this, into a folder of theirs.
    run(["apt-get", "-o", "APT::Sandbox::User=root", "download", *packages], cwd=downloads)
    root = os.path.join(scratch, "root")
    for package in sorted(glob.glob(os.path.join(downloads, "*.deb"))):
        run(["dpkg-deb", "-x", package, root])
    return root


def python_layer(scratch):
    root = unpacked_packages(PYTHON_PACKAGES, scratch)
    return os.path.join(root, "usr/lib/python3/dist-packages"), "python"


def npm_layer(scratch):
    run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", scratch, *NPM_PACKAGES])
    return os.path.join(scratch, "node_modules"), "nodejs/node_modules"


def native_layer(scratch):
    def known(name):
        return "Candidate: (none)" not in (policy := run(["apt-cache", "policy", name])) and policy.strip()
    packages = [next(filter(known, row), None) for row in NATIVE_PACKAGES]
    root = unpacked_packages([package for package in packages if package], scratch)
    flat = os.path.join(scratch, "lib")
    os.makedirs(flat)
    for folder, _, names in os.walk(os.path.join(root, "usr/lib")):
        for name in names:
            if ".so" in name and not os.path.exists(os.path.join(flat, name)):
                shutil.move(os.path.join(folder, name), os.path.join(flat, name))
    return flat, "lib"


def small_files_layer(scratch):
    """Text of lines that come again, about as compressible as source code, the same on every machine."""
    source = random.Random(35000)
    letters = "etaoinshrdlucmfwypvbgkqjxz_"
    words = ["".join(source.choices(letters, weights=range(27, 0, -1), k=source.randint(2, 11))) for _ in range(1500)]
    marks = [" ", " ", " ", " = ", "(", ")", ", ", ": ", "."]

    def line():
        indent = " " * 4 * source.randint(0, 3)
        return indent + "".join(source.choice(words) + source.choice(marks) for _ in range(source.randint(1, 9))) + "\n"
    lines = [line() for _ in range(1500)]
    frequency = [1000 / (rank + 2) for rank in range(len(lines))]
    text = "".join(source.choices(lines, frequency, k=200_000)).encode()
    mean = SMALL_BYTES // SMALL_FILES
    left = SMALL_BYTES
    for number in range(SMALL_FILES):
        folder = os.path.join(scratch, f"package_{number // 700}/part_{number // 70 % 10}")
        os.makedirs(folder, exist_ok=True)
        # From a few bytes to four times the mean, half of them below three quarters of it.
        size = min(left, int(mean * min(4, source.expovariate(1))) + 1) if number + 1 < SMALL_FILES else 1
        left -= size
        at = source.randrange(len(text) - size)
        with open(os.path.join(folder, f"module_{number}.py"), "wb") as file:
            file.write(text[at:at + size])
    return scratch, "python"


LAYERS = {"python": python_layer, "npm": npm_layer, "native-libraries": native_layer, "small-files": small_files_layer}
TITLES = {"python": "numpy, pandas and scipy", "npm": "an npm tree", "native-libraries": "native libraries",
          "small-files": "35,000 small files"}


def pack(folder, prefix, path):
    """As `zip -r` does: modes and symbolic links kept, folders named. One date, so that all runs pack alike."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for place, folders, names in os.walk(folder):
            folders.sort()
            below = os.path.normpath(os.path.join(prefix, os.path.relpath(place, folder)))
            for name in sorted([*names, *[one for one in folders if os.path.islink(os.path.join(place, one))]]):
                full = os.path.join(place, name)
                mode = os.lstat(full).st_mode
                info = zipfile.ZipInfo(f"{below}/{name}", (2024, 1, 1, 0, 0, 0))
                info.compress_type = zipfile.ZIP_DEFLATED
                if stat.S_ISLNK(mode):
                    # Absolute ones point out of the layer: they are Debian's, and no layer has them.
                    if os.readlink(full).startswith("/"):
                        continue
                    info.external_attr = (stat.S_IFLNK | 0o777) << 16
                    archive.writestr(info, os.readlink(full))
                elif stat.S_ISREG(mode):
                    info.external_attr = (stat.S_IFREG | (mode & 0o111 and 0o755 or 0o644)) << 16
                    with open(full, "rb") as content:
                        archive.writestr(info, content.read())


def build(name, folder):
    """The archive of this name, made when it is not there yet."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{name}-{RECIPE}.zip")
    if not os.path.exists(path):
        with tempfile.TemporaryDirectory(prefix="making-", dir=folder) as scratch:
            content = os.path.join(scratch, "content")
            os.makedirs(content)
            tree, prefix = LAYERS[name](content)
            unfinished = os.path.join(scratch, "unfinished.zip")
            pack(tree, prefix, unfinished)
            os.rename(unfinished, path)
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    return Archive(name, path, sum(member.file_size for member in members), len(members))
