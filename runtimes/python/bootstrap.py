"""Entry point of the Python runtime.

As the main script this file is compiled at every cold start, while the bytecode of modules can be kept;
so all else is in modules. They are imported before sys.path is composed, when /var/runtime leads it:
nothing in the function or its layers can shadow them.
"""

import time

# First of all: what comes before is the start of the interpreter, what comes after is the init of the function.
started_at = time.monotonic_ns()

import os

import lamina_runtime
import lamina_search_path

lamina_search_path.forget_coerced_locale()
lamina_search_path.compose()
lamina_runtime.run(os.environ["_HANDLER"], os.environ["AWS_LAMBDA_RUNTIME_API"], started_at)
