#!/usr/bin/env python3
"""g++ 12 destroys some temporaries twice inside a statement with co_await; this finds them.

In a statement that contains co_await: no braces of an aggregate, no initializer list, no lambda that
captures anything but [&] or [this]. And never `co_spawn(co_await ...)`. CONTRIBUTING.md has the
patterns to write instead. A line that is right all the same ends in "// NOLINT(co_await): reason".

    coroutine_temporaries.py [ROOT]
    coroutine_temporaries.py --self-test
"""

import re
import sys
from pathlib import Path

FOLDERS = ["base", "layers", "sandbox", "runtime-api", "emulator", "tests", "benchmarks"]
EXCUSE = "NOLINT(co_await)"


def blank_out(text):
    """Comments and literals become spaces of the same length, so that offsets stay true."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|'
        r"(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'", re.S)

    def blank(match):
        piece = match.group(0)
        if EXCUSE in piece:
            return piece
        keep_quotes = piece[0] in "\"'R" and len(piece) >= 2
        body = re.sub(r"[^\n]", " ", piece)
        return '"' + body[1:-1] + '"' if keep_quotes else body

    return pattern.sub(blank, text)


def statement_around(text, position):
    """The extent of the statement (or condition) in which `position` lies, and its nested braces."""
    start, depth = position, 0
    while start > 0:
        character = text[start - 1]
        if character in ")]":
            depth += 1
        elif character == "}":
            if depth == 0:
                break
            depth += 1
        elif character in "([{":
            if depth == 0 and character == "{" and not opens_an_argument(text, start - 1):
                break
            depth = max(0, depth - 1)
        elif character == ";" and depth == 0:
            break
        start -= 1
    end, depth = position, 0
    while end < len(text):
        character = text[end]
        if character in "([":
            depth += 1
        elif character == "{":
            if depth == 0 and not opens_an_argument(text, end):
                break
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth < 0 and character == "}":
                break
            depth = max(depth, 0)
        elif character == ";" and depth == 0:
            break
        end += 1
    return start, end


def opens_an_argument(text, brace):
    """Whether this `{` begins a value, not a block: after a name, `(`, `,`, `=` or `return`."""
    before = text[:brace].rstrip()
    if not before:
        return False
    if re.search(r"(\b(else|do|try|const|noexcept|override|mutable)|->\s*[\w:<>, ]+|\))$", before):
        return False
    if re.search(r"\b(namespace|struct|class|enum|union)\b[^;{}()]*$", before):
        return False
    return before[-1] in "(,=" or bool(re.search(r"[\w>]$", before))


LAMBDA = re.compile(r"(?<![\w)\]>])\[([^\[\]]*)\]\s*(?=[({]|mutable|->)")
AGGREGATE = re.compile(r"\b[A-Z]\w*(?:<[^;{}()]*>)?\s*\{(?!\s*\})|[(,]\s*\{|"
                       r"\b(?:vector|map|set|array|pair|initializer_list)\s*<[^;{}()]*>\s*\{(?!\s*\})")


def violations_of(text):
    clean = blank_out(text)
    found = {}

    def add(position, sentence):
        line = clean.count("\n", 0, position) + 1
        source = text.splitlines()[line - 1] if line <= len(text.splitlines()) else ""
        if EXCUSE not in source:
            found.setdefault((line, sentence))

    for match in re.finditer(r"\bco_spawn\s*\(\s*co_await\b", clean):
        add(match.start(), "co_spawn(co_await ...): take the executor into a name first")
    for match in re.finditer(r"\bco_await\b", clean):
        start, end = statement_around(clean, match.start())
        statement = clean[start:end]
        awaited = match.start() - start
        for piece in LAMBDA.finditer(statement):
            captures = piece.group(1).strip()
            if captures in ("", "&", "this"):
                continue
            # Only one that is an operand of this co_await's statement, not one the await lies in.
            body = statement.find("{", piece.end())
            if body >= 0 and body < awaited and matching_brace(statement, body) > awaited:
                continue
            add(start + piece.start(), f"a lambda that captures [{captures}] beside co_await: name it first")
        for piece in AGGREGATE.finditer(statement):
            brace = statement.find("{", piece.start())
            if matching_brace(statement, brace) > awaited > brace:
                continue
            add(start + piece.start(), "braces beside co_await: name the object first, then std::move it")
    return sorted(found)


def matching_brace(text, brace):
    depth = 0
    for position in range(brace, len(text)):
        if text[position] == "{":
            depth += 1
        elif text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
    return len(text)


def check(root):
    count = 0
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.[ch]pp")):
            text = path.read_text(errors="replace")
            if "co_await" not in text:
                continue
            for line, sentence in violations_of(text):
                print(f"{path.relative_to(root)}:{line}: {sentence}")
                count += 1
    return count


WRONG = [
    "auto r = co_await fetch(Request{path, 1});",
    "co_await fetch({path, 1});",
    "if (co_await fetch(Request{path}) > 1) { stop(); }",
    "co_await fetch({.path = p});",
    "co_await channel.async_send(ec, Event{x},\n                            use_awaitable);",
    "co_await run([s] { s->go(); });",
    "co_await co_spawn(ex, [s]() -> awaitable<void> { co_return; }, use_awaitable);",
    "co_spawn(co_await asio::this_coro::executor, run(), detached);",
    "co_await all(std::vector<std::string>{a, b});",
    "const auto n = co_await run([=] { return 1; });",
]
RIGHT = [
    "auto r = co_await fetch(std::move(request));",
    "auto r = co_await fetch(Request(path, 1));",
    "co_await run([&] { go(); });\nauto later = Request{1};",
    "auto work = [s] { s->go(); };\nco_await run(work);",
    "auto ex = co_await asio::this_coro::executor;\nco_spawn(ex, [s]() -> awaitable<void> { co_await s->go(); }, detached);",
    "awaitable<void> f() { co_await g(); }",
    "for (auto& x : xs) { co_await x.go(); }",
    "if (auto error = co_await go(); error) { co_return Failure{error}; }",
    "// co_await fetch(Request{1});\nint x = 0;",
    'co_await say("Request{1} [s] {");',
    "switch (state) { case State::a: { co_await go(); break; } }",
    "struct Plan { int a; };\nawaitable<int> f() { co_return co_await g(); }",
    "items[index] = co_await next();",
]


def self_test():
    for text in WRONG:
        wrapped = "awaitable<void> f() {\n" + text + "\n}\n"
        assert violations_of(wrapped), f"not found: {text}"
    for text in RIGHT:
        wrapped = text if "f()" in text else "awaitable<void> f() {\n" + text + "\n}\n"
        assert not violations_of(wrapped), f"wrongly found {violations_of(wrapped)}: {text}"
    print(f"self-test: {len(WRONG)} wrong shapes found, {len(RIGHT)} right ones left alone")


if __name__ == "__main__":
    if "--self-test" in sys.argv:
        self_test()
        sys.exit(0)
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    sys.exit(1 if check(where) else 0)
