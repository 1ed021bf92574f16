#!/usr/bin/env python3
"""Small promises of the repository, each a check with a name.

    repository.py format        clang-format-19 leaves our C and C++ as they are
    repository.py shellcheck    scripts have no shellcheck findings
    repository.py text          no trailing whitespace, no paths of one machine, a newline at the end
    repository.py documents     links lead somewhere, commands in the documents exist

Exits with 77 and a sentence when the tool for a check is not installed.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = 77


def files():
    """What is or may be committed: tracked files and new ones that are not ignored."""
    try:
        listing = subprocess.run(
            ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"], capture_output=True, check=True).stdout.decode()
        names = [name for name in listing.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):  # a source archive without git
        names = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*")
                 if not {".git", "build", "node_modules", "__pycache__"} & set(path.parts)]
    return sorted({name for name in names if (ROOT / name).is_file()
                   and not (ROOT / name).is_symlink()})


def need(*programs):
    for program in programs:
        if shutil.which(program):
            return program
    print(f"skipped: {programs[0]} is not installed")
    sys.exit(SKIPPED)


def check_format():
    formatter = need("clang-format-19")
    ours = [name for name in files() if re.search(r"\.(cpp|hpp|c|h)$", name)]
    run = subprocess.run([formatter, "--dry-run", "-Werror", *ours], cwd=ROOT, capture_output=True,
                         text=True, check=False)
    wrong = sorted(set(re.findall(r"^([^\s:]+):\d+:\d+: error:", run.stderr, re.M)))
    for name in wrong:
        print(f"{name}: not formatted; run clang-format-19 -i {name}")
    return len(wrong) or run.returncode


def is_shell_script(name):
    if name.endswith(".sh"):
        return True
    if "." in Path(name).name and not name.startswith(".ci/"):
        return False
    with (ROOT / name).open("rb") as file:
        return re.match(rb"#!.*\b(ba|da)?sh\b", file.readline()) is not None


def check_shell():
    checker = need("shellcheck")
    scripts = [name for name in files() if is_shell_script(name)]
    run = subprocess.run([checker, "--external-sources", "--source-path=SCRIPTDIR/..", "--source-path=.",
                          *scripts], cwd=ROOT, check=False)
    return run.returncode


# Homes and scratch folders of somebody's machine; the sandbox's own /home never occurs.
MACHINE_PATH = re.compile(
    r"/(?:home|Users)/(?!runner\b)[a-z][\w.-]*/|/ro" r"ot/(?:[a-z]|\.(?!profile))|/wo" r"rk/(?:main|shared)\b|\.\./sha" r"red\b")
BINARY_SUFFIXES = (".zip", ".gz", ".zst", ".tar", ".png", ".ico", ".wasm", ".jar", ".bin", ".so")


def check_text():
    count = 0
    for name in files():
        if name.endswith(BINARY_SUFFIXES) or re.search(r"(corpus|seeds)/", name):
            continue
        data = (ROOT / name).read_bytes()
        if b"\0" in data[:8000]:
            continue
        text = data.decode("utf-8", errors="replace")
        expected_output = re.search(r"(^|/)expected[^/]*$", name)
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(r"[ \t]+$", line) and not expected_output and not name.endswith(".md"):
                print(f"{name}:{number}: trailing whitespace")
                count += 1
            if MACHINE_PATH.search(line) and "machine-path-ok" not in line:
                print(f"{name}:{number}: a path of one machine: {MACHINE_PATH.search(line).group(0)}")
                count += 1
        if text and not text.endswith("\n") and not expected_output and not name.startswith("samples/"):
            print(f"{name}: no newline at the end")
            count += 1
    return count


LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
SCRIPT = re.compile(r"(?<![\w/.-])((?:scripts|samples|benchmarks)/[\w./-]*\w)")
PROGRAM = re.compile(r"^\s*\$?\s*(?:[A-Z_]+=\S+ )*(?:build/release/bin/)?lamina ([a-z]+)(?: ([a-z]+))?", re.M)


def documents():
    return [name for name in files() if name.endswith(".md") and not name.startswith("samples/")]


def commands_of_program():
    """The subcommands in the program's source: every add_subcommand("name")."""
    source = (ROOT / "emulator/command_line.cpp")
    if not source.exists():
        return set()
    return set(re.findall(r'(?:add_subcommand|\bcommand)\(\s*"([a-z]+)"', source.read_text()))


def check_findings():
    """Every rule of `layers check` has its heading in docs/findings.md, and no other has."""
    rules = re.findall(r'Rule\{\s*"([a-z0-9-]+)"', (ROOT / "diagnosis/finding.cpp").read_text())
    headings = re.findall(r"^### (\S+)$", (ROOT / "docs/findings.md").read_text(), re.M)
    for rule in sorted(set(rules) ^ set(headings)):
        print(f"docs/findings.md and diagnosis/finding.cpp do not both have the finding {rule}")
    return len(set(rules) ^ set(headings)) + (0 if rules else 1)


def check_documents():
    count = check_findings()
    known = commands_of_program()
    for name in documents():
        text = (ROOT / name).read_text()
        for match in LINK.finditer(text):
            target = match.group(1)
            if "://" not in target and not target.startswith("mailto:") and \
                    not ((ROOT / name).parent / target).exists():
                print(f"{name}: the link to {target} leads nowhere")
                count += 1
        if name == "CHANGELOG.md":
            continue
        for target in sorted({match.group(1) for match in SCRIPT.finditer(text)}):
            if not (ROOT / target).exists():
                print(f"{name}: {target} does not exist")
                count += 1
        blocks = "\n".join(re.findall(r"```(?:sh|console)?\n(.*?)```", text, re.S))
        for command in sorted({match.group(1) for match in PROGRAM.finditer(blocks)}):
            if known and command not in known:
                print(f"{name}: lamina has no command '{command}'")
                count += 1
    return count


CHECKS = {"format": check_format, "shellcheck": check_shell, "text": check_text,
          "documents": check_documents}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in CHECKS:
        sys.exit(__doc__)
    sys.exit(1 if CHECKS[sys.argv[1]]() else 0)
