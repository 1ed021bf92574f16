"""Contents of layers as package managers lay them out, and ELF files made to measure.

Every maker of a package returns {path: content}, as TestSpace.tree() takes it.
"""

import json
import os
import platform
import struct
import subprocess
import zipfile

MACHINES = {"x86_64": 62, "arm64": 183, "arm": 40}
HOST_ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
OTHER_ARCHITECTURE = {"x86_64": "arm64", "arm64": "x86_64"}[HOST_ARCHITECTURE]
# As Python spells it in the names of extension modules.
PLATFORM = {"x86_64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
DEBIAN_PYTHON = "/usr/lib/python3/dist-packages"


# ---- Python ----

def distribution(name, version, files, requires=(), requires_python=None, entry_points=None, record=True,
                 below="python/"):
    """A wheel as pip installs it below a folder."""
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"]
    metadata += [f"Requires-Dist: {text}\n" for text in requires]
    if requires_python:
        metadata.append(f"Requires-Python: {requires_python}\n")
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    tree = dict(files)
    tree[f"{info}/METADATA"] = "".join(metadata) + "\nA description.\n"
    tree[f"{info}/INSTALLER"] = "pip\n"
    if entry_points:
        tree[f"{info}/entry_points.txt"] = entry_points
    if record:
        tree[f"{info}/RECORD"] = "".join(f"{path},,{len(content)}\n" for path, content in sorted(tree.items())) + \
            f"{info}/RECORD,,\n"
    return {below + path: content for path, content in tree.items()}


def urllib3(version, below="python/"):
    """Version 2 has files that 1.26 has not, and the other way round."""
    files = {"urllib3/__init__.py": f'__version__ = "{version}"\n', "urllib3/poolmanager.py": f"# of {version}\n",
             "urllib3/util/__init__.py": "", "urllib3/util/ssl_.py": f"# of {version}\n"}
    files["urllib3/http2.py" if version.startswith("2") else "urllib3/request.py"] = f"# only in {version}\n"
    return distribution("urllib3", version, files, requires_python=">=3.8" if version.startswith("2") else ">=3.6",
                        below=below)


def requests(version, urllib3_range, below="python/"):
    return distribution("requests", version, {"requests/__init__.py": f'__version__ = "{version}"\n'},
                        requires=[f"urllib3 ({urllib3_range})"], below=below)


def stamped(entries_of, files, time):
    """Zip entries with one time, as reproducible builds make them."""
    entries = []
    for path, content in files.items():
        entry = entries_of(path, content)
        info = entry.zip_info()
        info.date_time = time
        entry.zip_info = lambda info=info: info
        entries.append(entry)
    return entries


def bytecode(magic, mtime, size):
    """The head of a .pyc that is checked by time and size (PEP 552)."""
    return magic + struct.pack("<III", 0, mtime, size) + b"\xe3 marshalled code"


# ---- Node.js ----

def npm_package(name, version, files=None, below="nodejs/node_modules/", **fields):
    document = {"name": name, "version": version, "main": "index.js", **fields}
    files = {"index.js": f'module.exports = "{name} {version}";\n', **(files or {})}
    files["package.json"] = json.dumps(document, indent=2) + "\n"
    return {f"{below}{name}/{path}": content for path, content in files.items()}



# ---- Java, Ruby ----

def jar(path, title, version):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", f"Manifest-Version: 1.0\r\nImplementation-Title: {title}\r\n"
                                                 f"Implementation-Version: {version}\r\n\r\n")
        archive.writestr("org/example/Main.class", b"\xca\xfe\xba\xbe")
    with open(path, "rb") as file:
        return file.read()


def gem(name, version, ruby="3.3.0"):
    return {f"ruby/gems/{ruby}/specifications/{name}-{version}.gemspec":
            f'Gem::Specification.new do |s|\n  s.name = "{name}".freeze\n  s.version = "{version}"\nend\n',
            f"ruby/gems/{ruby}/gems/{name}-{version}/lib/{name}.rb": f"# {version}\n"}


# ---- ELF ----

def shared_library(folder, name="library.so", soname=None, needs=(), defines=(), run_path=None, rpath=False,
                   architecture=HOST_ARCHITECTURE, program=False):
    """The bytes of a shared library (or a program) made by the compiler at hand.

    `needs` are pairs of a soname and a symbol version of it, or None for no version: the libraries are
    stubs, so that the host's own C library has no say in it.
    `run_path` is a RUNPATH, or with `rpath` an RPATH, which is searched earlier.
    """
    work = os.path.join(folder, f"elf-{name}")
    os.makedirs(work, exist_ok=True)
    source = "int own(void) { return 1; }\n"
    stubs = []
    by_library = {}
    for library, version in needs:
        by_library.setdefault(library, []).append(version)
    calls = []
    for number, (library, versions) in enumerate(by_library.items()):
        functions = [f"needed_{number}_{i}" for i in range(len(versions))]
        calls += functions
        stubs.append(_stub(work, number, library, list(zip(functions, versions))))
    source += "".join(f"int {call}(void);\n" for call in calls)
    entry = "_start" if program else "use"
    source += f"int {entry}(void) {{ return {' + '.join(f'{name}()' for name in ('own', *calls))}; }}\n"
    options = ["-Wl,--no-as-needed"]
    if soname:
        options.append(f"-Wl,-soname,{soname}")
    if run_path:
        options += [f"-Wl,--{'disable' if rpath else 'enable'}-new-dtags", f"-Wl,-rpath,{run_path}"]
    if defines:
        script = os.path.join(work, "versions")
        with open(script, "w", encoding="utf-8") as file:
            file.write(f"{defines[0]} {{ global: own; local: *; }};\n" +
                       "".join(f"{version} {{ }};\n" for version in defines[1:]))
        options.append(f"-Wl,--version-script={script}")
        source = source.replace("int use(", "int __attribute__((used)) use(")
    result = os.path.join(work, name)
    _compile(work, source, result, [] if program else ["-shared"], options + stubs)
    with open(result, "rb") as file:
        data = bytearray(file.read())
    data[18:20] = struct.pack("<H", MACHINES[architecture])
    return bytes(data)


def _stub(work, number, library, functions):
    script = os.path.join(work, f"stub{number}.versions")
    versions = {}
    for function, version in functions:
        versions.setdefault(version, []).append(function)
    with open(script, "w", encoding="utf-8") as file:
        for version, names in versions.items():
            if version:
                file.write(f"{version} {{ global: {'; '.join(names)}; }};\n")
    named = any(versions)
    path = os.path.join(work, f"stub{number}.so")
    _compile(work, "".join(f"int {name}(void) {{ return 0; }}\n" for name, _ in functions), path, ["-shared"],
             [f"-Wl,-soname,{library}"] + ([f"-Wl,--version-script={script}"] if named else []))
    return path


def _compile(work, source, result, kind, options):
    path = os.path.join(work, "source.c")
    with open(path, "w", encoding="utf-8") as file:
        file.write(source)
    subprocess.run(["cc", *kind, "-fPIC", "-nostdlib", "-o", result, path, *options], check=True)
