"""Makes sys.path, and what else an interpreter finds out by itself, as it is on Lambda."""

import os
import site
import sys

RUNTIME_DIR = os.path.dirname(os.path.abspath(__file__))


def forget_host_packages(user_entries):
    """Leaves of the interpreter's own sys.path what Lambda's interpreter has.

    Some distributions patch `site` to add dist-packages folders and to leave out site-packages.
    """
    bundled = "%s/lib/python%d.%d/site-packages" % ((sys.prefix,) + sys.version_info[:2])
    kept = [
        entry
        for entry in sys.path
        if entry == RUNTIME_DIR
        or entry in user_entries
        or (entry.startswith(sys.prefix + "/") and not entry.endswith("/dist-packages"))
    ]
    if bundled not in kept:
        kept.append(bundled)
    sys.path[:] = kept
    return bundled


def compose():
    """The order is Lambda's: function, layers (site-packages before python/), bundled packages."""
    user_path = os.environ.get("PYTHONPATH")
    user_entries = {os.path.abspath(entry) for entry in (user_path or "").split(":") if entry}
    bundled = forget_host_packages(user_entries)
    task_root = os.environ["LAMBDA_TASK_ROOT"]
    layer = "/opt/python"
    layer_site = "/opt/python/lib/python%d.%d/site-packages" % sys.version_info[:2]

    # A function that sets PYTHONPATH loses the layers' folders; this surprises people, also on AWS.
    if user_path is None:
        if sys.version_info >= (3, 11):
            sys.path.insert(0, bundled)
        sys.path.insert(0, layer)
        sys.path.insert(0, layer_site)
    sys.path.insert(0, task_root)

    # Reads the .pth files. Folders that exist are not added twice, missing ones are appended: as on AWS.
    site.addsitedir(task_root)
    if user_path is None:
        site.addsitedir(layer_site)
        site.addsitedir(layer)
        os.environ["PYTHONPATH"] = RUNTIME_DIR


def forget_coerced_locale():
    """Before 3.12 Lambda's image has the en_US locale, so the interpreter never coerces LC_CTYPE.

    Where the host lacks that locale it does; a value that the user set is in the initial environment.
    """
    if sys.version_info < (3, 12) and "LC_CTYPE" in os.environ:
        with open("/proc/self/environ", "rb") as initial:
            if b"\0LC_CTYPE=" not in b"\0" + initial.read():
                del os.environ["LC_CTYPE"]
