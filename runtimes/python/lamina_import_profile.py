"""Runs the Python runtime and tells what each import took: `lamina_import_profile.py MARK`.

Started in place of bootstrap.py when the cold-start lab asks for it, so that a usual start pays nothing.
It measures where the interpreter itself looks modules up. -X importtime does so one step further out and
misses importlib.import_module(), by which the handler is loaded, and says nothing of files.

Before each request for an event, a line goes to stderr for each module imported since: MARK, an empty
field, name, nanoseconds without and with nested imports, file, parted by tabs.
"""

import _thread
import os
import sys
import time

import lamina_runtime
import lamina_search_path  # noqa: F401  imported before anything is measured, as by bootstrap.py

importer = sys.modules["_frozen_importlib"]
find_and_load = importer._find_and_load
now = time.perf_counter_ns
finished = []
# For each thread, the imports under way, outermost first: the time that nested ones took.
under_way = {}


def measured_find_and_load(name, *arguments):
    if name in sys.modules:
        return find_and_load(name, *arguments)
    nested = under_way.setdefault(_thread.get_ident(), [])
    nested.append(0)
    begin = now()
    try:
        module = find_and_load(name, *arguments)
    except BaseException:
        # What failed is no module; its time is that of whoever tried.
        inner = nested.pop()
        if nested:
            nested[-1] += inner
        raise
    total = now() - begin
    finished.append((name, total - nested.pop(), total))
    if nested:
        nested[-1] += total
    return module


# Frames of this file's name are left out of the traces of failing imports: they look as always.
measured_find_and_load.__code__ = measured_find_and_load.__code__.replace(
    co_filename=find_and_load.__code__.co_filename
)


def file_of(name):
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if file is None:
        # A namespace package is a folder.
        try:
            file = next(iter(module.__path__))
        except Exception:
            return ""
    return os.path.realpath(file) if isinstance(file, str) else ""


def field(text):
    return text.replace("\t", " ").replace("\n", " ")


def tell(mark):
    modules, finished[:] = finished[:], []
    for name, own, total in modules:
        line = "\n%s\t\t%s\t%d\t%d\t%s\n" % (mark, field(name), own, total, field(file_of(name)))
        # One write, which a pipe does not mix with those of other processes.
        os.write(2, line.encode("utf-8", "surrogateescape"))


def run(mark):
    next_invocation = lamina_runtime.RuntimeApi.next_invocation

    def telling_next_invocation(api):
        tell(mark)
        return next_invocation(api)

    lamina_runtime.RuntimeApi.next_invocation = telling_next_invocation
    importer._find_and_load = measured_find_and_load


bootstrap = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bootstrap.py")
run(sys.argv[1])
sys.argv[:] = [bootstrap]
__file__ = bootstrap
with open(bootstrap, encoding="utf-8") as source:
    code = compile(source.read(), bootstrap, "exec")
exec(code)
