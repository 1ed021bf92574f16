#!/usr/bin/env python3
"""Who may include whom, as ARCHITECTURE.md draws it. Exit code 1 and one line for each violation.

    include_directions.py [ROOT]     check the repository (default: the one this file is in)
    include_directions.py --self-test
"""

import re
import sys
import tempfile
from pathlib import Path

# Module -> what it may include besides itself.
ARROWS = {
    "base": set(),
    "layers": {"base"},
    "diagnosis": {"base", "layers"},
    "sandbox": {"base"},
    "runtime-api": {"base"},
    "emulator": {"base", "layers", "diagnosis", "sandbox", "runtime-api"},
    "tests": {"base", "layers", "diagnosis", "sandbox", "runtime-api", "emulator", "tests"},
    "cmake": set(),
    "benchmarks": {"base", "layers", "diagnosis", "sandbox", "runtime-api", "emulator"},
    "samples": set(),
}

# sandbox-init is static and single-threaded: only what builds without Boost.Asio, and its own files.
SANDBOX_INIT_MAY_INCLUDE = re.compile(
    r"sandbox/(init/\w+|sandbox_spec|wire)\.hpp|base/(result|unique_fd)\.hpp")

# A heavy or dangerous library -> the only files that may know it. Headers that name it make every
# file which includes them pay; all but the first two are kept to single files as a boundary, too.
LIBRARIES = [
    (r"nlohmann/json\.hpp", r".*\.cpp", "in .cpp files only (json_fwd.hpp in headers)"),
    (r"(fmt|CLI)/.*", r".*\.cpp", "in .cpp files only"),
    (r"boost/beast.*", r"(runtime-api/(http/\w+|beast_src))\.cpp|(tests|benchmarks)/.*",
     "in runtime-api/http/*.cpp only"),
    (r"archive(_entry)?\.h", r"layers/tar_extractor\.cpp|(tests|benchmarks)/.*",
     "in layers/tar_extractor.cpp only"),
    (r"libdeflate\.h", r"layers/(in|de)flate\.cpp|(tests|benchmarks)/.*",
     "in layers/inflate.cpp and deflate.cpp only"),
    (r"isa-l.*", r"layers/inflate\.cpp|(tests|benchmarks)/.*", "in layers/inflate.cpp only"),
    (r"(libelf|gelf|elf)\.h", r"diagnosis/elf_file\.cpp|(tests|benchmarks)/.*",
     "in diagnosis/elf_file.cpp only"),
    (r"nettle/.*", r"base/\w+\.cpp|(tests|benchmarks)/.*", "in base/*.cpp only"),
    (r"CLI/.*", r"emulator/.*\.cpp", "in emulator/*.cpp only"),
    (r"spdlog/.*", r"(?!)", "nowhere: log through emulator's own lines"),
    (r"sys/mount\.h", r"sandbox/.*\.cpp|tests/.*\.(cpp|c)", "in sandbox/*.cpp only"),
    (r"boost/asio\.hpp", r"(?!)", "nowhere: include the one header that is meant"),
]

# Headers may name awaitables and executors; sockets, timers and channels belong behind them.
ASIO_IN_HEADERS = re.compile(r"boost/asio/(any_io_executor|awaitable|thread_pool|io_context|"
                             r"any_completion_handler|cancellation_signal)\.hpp")
ASIO_HEADERS_EXCUSED = {
    "sandbox/output_pump.hpp": "the pump owns its descriptor",
    "emulator/change_signal.hpp": "the signal is a timer that never fires",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
SUFFIXES = {".cpp", ".hpp", ".c", ".h"}


def sources(root):
    for module in ARROWS:
        folder = root / module
        if folder.is_dir():
            yield from (path for path in sorted(folder.rglob("*"))
                        if path.suffix in SUFFIXES and "node_modules" not in path.parts)


def violations_of(name, text):
    """Yields (line number, sentence) for the file `name`, a path from the repository's root."""
    module = name.split("/")[0]
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quoted, target = match.group(1) == '"', match.group(2)
        if quoted and "/" in target:
            target_module = target.split("/")[0]
            if target_module in ARROWS and target_module != module and \
                    target_module not in ARROWS[module]:
                yield number, f'{module} must not include {target_module} ("{target}")'
            if name.startswith("sandbox/init/") and not SANDBOX_INIT_MAY_INCLUDE.fullmatch(target):
                yield number, f'sandbox-init must stay small: "{target}" is not for it'
        if quoted:
            continue
        for library, files, where in LIBRARIES:
            if re.fullmatch(library, target) and not re.fullmatch(files, name):
                yield number, f"<{target}> belongs {where}"
        if name.startswith("sandbox/init/") and re.match(r"(boost/asio|thread$|mutex$)", target):
            yield number, f"sandbox-init has no Asio and no threads (<{target}>)"
        if name.endswith(".hpp") and target.startswith("boost/asio") and \
                not ASIO_IN_HEADERS.fullmatch(target) and name not in ASIO_HEADERS_EXCUSED and \
                not name.startswith("tests/"):
            yield number, f"headers name awaitables and executors only, not <{target}>"


def check(root):
    count = 0
    for path in sources(root):
        name = path.relative_to(root).as_posix()
        for number, sentence in violations_of(name, path.read_text(errors="replace")):
            print(f"{name}:{number}: {sentence}")
            count += 1
    return count


def self_test():
    planted = {
        "layers/a.cpp": ['#include "sandbox/sandbox.hpp"', "#include <boost/beast.hpp>"],
        "sandbox/b.cpp": ['#include "runtime-api/session.hpp"'],
        "runtime-api/c.hpp": ["#include <nlohmann/json.hpp>", '#include "emulator/terminal.hpp"',
                              "#include <boost/asio/steady_timer.hpp>"],
        "base/d.cpp": ['#include "layers/limits.hpp"', "#include <archive.h>"],
        "sandbox/init/e.cpp": ['#include "sandbox/cgroup.hpp"', "#include <thread>"],
        "emulator/f.cpp": ["#include <libdeflate.h>", "#include <nettle/sha2.h>"],
    }
    innocent = {
        "emulator/g.cpp": ['#include "layers/limits.hpp"', "#include <nlohmann/json.hpp>"],
        "layers/inflate.cpp": ["#include <libdeflate.h>", '#include "base/result.hpp"'],
        "sandbox/init/h.cpp": ['#include "sandbox/wire.hpp"', "#include <sys/mount.h>"],
        "tests/unit/i.cpp": ['#include "emulator/terminal.hpp"'],
    }
    for name, lines in {**planted, **innocent}.items():
        expected = len(lines) if name in planted else 0
        found = list(violations_of(name, "\n".join(lines)))
        assert len(found) == expected, f"{name}: expected {expected} violations, found {found}"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "layers").mkdir()
        (root / "layers/planted.cpp").write_text('#include "emulator/terminal.hpp"\n')
        assert check(root) == 1, "a violation planted in a tree was not found"
    print("self-test: every planted violation was found, and nothing else")


if __name__ == "__main__":
    if "--self-test" in sys.argv:
        self_test()
        sys.exit(0)
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    sys.exit(1 if check(where) else 0)
