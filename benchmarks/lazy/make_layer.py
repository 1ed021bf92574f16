#!/usr/bin/env python3
"""make_layer.py FOLDER: a data-science layer out of Debian's packages, as FOLDER/layer.zip.

numpy, pandas, scipy and scikit-learn with OpenBLAS in lib/, without their tests, with byte code: what a layer of
wheels looks like. Needs apt-get, dpkg-deb and a /usr/bin/python3 of the distribution.
"""

import os
import shutil
import stat
import subprocess
import sys
import zipfile

PACKAGES = """python3-numpy python3-pandas python3-pandas-lib python3-scipy python3-sklearn python3-sklearn-lib
python3-joblib python3-threadpoolctl python3-dateutil python3-tz python3-six libopenblas0-pthread libgfortran5
libquadmath0 liblbfgsb0""".split()


def main():
    folder = os.path.abspath(sys.argv[1])
    packages, root, layer = (os.path.join(folder, name) for name in ("packages", "root", "layer"))
    for path in (packages, root, layer):
        os.makedirs(path)
    subprocess.run(["apt-get", "download", "-qq", *PACKAGES], cwd=packages, check=True)
    for name in sorted(os.listdir(packages)):
        subprocess.run(["dpkg-deb", "-x", os.path.join(packages, name), root], check=True)

    python = os.path.join(layer, "python")
    shutil.copytree(os.path.join(root, "usr/lib/python3/dist-packages"), python, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("tests"))
    library = os.path.join(layer, "lib")
    os.mkdir(library)
    for where, _, names in os.walk(os.path.join(root, "usr/lib")):
        if "python3" in where:
            continue
        for name in names:
            # OpenBLAS comes with two libraries under the names of the reference ones.
            shutil.copy2(os.path.join(where, name), os.path.join(library, name), follow_symlinks=False)
    # The byte code must hold although a zip keeps times in steps of two seconds.
    subprocess.run(["/usr/bin/python3", "-m", "compileall", "-q", "-j0", "--invalidation-mode", "unchecked-hash",
                    python], check=False, stdout=subprocess.DEVNULL)

    with zipfile.ZipFile(os.path.join(folder, "layer.zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for where, folders, names in os.walk(layer):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(where, name)
                info = zipfile.ZipInfo(os.path.relpath(path, layer), (2024, 1, 1, 0, 0, 0))
                info.create_system = 3
                info.compress_type = zipfile.ZIP_DEFLATED
                status = os.lstat(path)
                if stat.S_ISLNK(status.st_mode):
                    info.external_attr = 0o120777 << 16
                    archive.writestr(info, os.readlink(path))
                else:
                    info.external_attr = (0o100755 if status.st_mode & 0o111 else 0o100644) << 16
                    with open(path, "rb") as file:
                        archive.writestr(info, file.read())


if __name__ == "__main__":
    main()
