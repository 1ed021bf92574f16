"""The life of a Python runtime: load the handler, then take, run and answer one invocation after another.

A cold start pays for every module imported here. What only failing or logging functions need is in
lamina_faults and lamina_logging, which are imported on first use.
"""

import os
import sys

import lamina_context
import lamina_http
import lamina_json

API = "/2018-06-01/runtime/"

# The interpreter's own search path, kept before functions and layers come in front of it. Modules that
# the runtime itself needs later must not be theirs, whatever they contain.
_own_path = list(sys.path)

# What log lines say about the current invocation; empty during init.
current_request_id = ""
current_tenant_id = None


class Fault(Exception):
    """A failure that the runtime itself names, such as Runtime.ImportModuleError."""

    def __init__(self, error_type, message, trace=None):
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.trace = trace or []


def import_own(name):
    """Imports a module for the runtime's own use, with nothing of the function's on the search path."""
    if name in sys.modules:
        return sys.modules[name]
    user_path = sys.path[:]
    sys.path[:] = _own_path
    try:
        return __import__(name)
    finally:
        sys.path[:] = user_path


class LoggingFinder:
    """Sets up `logging` at the moment the function first imports it.

    Lambda has imported and configured it before the function's code runs. To the function this is the
    same, and one that never logs does not pay for the import.
    """

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            # A `logging` of the function's own comes too late on Lambda, so it is not looked for.
            spec = finder.find_spec(name, _own_path)
            if spec is not None:
                break
        execute = spec.loader.exec_module

        def exec_module(module):
            del spec.loader.exec_module
            execute(module)
            import_own("lamina_logging").configure(module)

        spec.loader.exec_module = exec_module
        return spec


class Unbuffered:
    """A stream that flushes each write, so that nothing is lost when the process freezes or dies."""

    def __init__(self, stream):
        self.stream = stream

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        pass

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        self.stream.write(text)
        self.stream.flush()

    def writelines(self, lines):
        self.stream.writelines(lines)
        self.stream.flush()


def load_handler(handler):
    module_name, dot, function_name = handler.rpartition(".")
    if not dot:
        raise Fault(
            "Runtime.MalformedHandlerName",
            "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % handler,
        )
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault(
            "Runtime.BuiltInModuleConflict",
            "Cannot use built-in module %s as a handler module" % module_name,
        )
    try:
        # importlib's function and not __import__: it is part of the stack traces of failing imports.
        module = import_own("importlib").import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module_name, error))
    except SyntaxError as error:
        raise Fault(
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module '%s': %s" % (module_name, error),
            ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)],
        )
    try:
        return getattr(module, function_name)
    except AttributeError:
        raise Fault(
            "Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (function_name, module_name)
        )


class RuntimeApi:
    def __init__(self, address, started_at):
        self._connection = lamina_http.Connection(address)
        self._user_agent = b"User-Agent: aws-lambda-python/%d.%d.%d-lamina\r\n" % sys.version_info[:3]
        # When the runtime's own code began, on the monotonic clock in ns: told once, with the first request.
        self._birth = b"Lamina-Runtime-Started: %d\r\n" % started_at

    def next_invocation(self):
        status, headers, body = self._connection.request("GET", API + "invocation/next", self._user_agent + self._birth)
        self._birth = b""
        if status != 200:
            raise RuntimeError("GET invocation/next was answered with status %d: %r" % (status, bytes(body)))
        return headers, body

    def post_response(self, invoke_id, body, content_type):
        self._post("invocation/%s/response" % invoke_id, "handler success", body, b"Content-Type: %s\r\n" % content_type)

    def post_error(self, invoke_id, body, headers):
        self._post("invocation/%s/error" % invoke_id, "handler error", body, headers)

    def post_init_error(self, body, headers):
        self._post("init/error", "init error", body, headers)

    def _post(self, path, what, body, headers):
        status, _, answer = self._connection.request("POST", API + path, self._user_agent + headers, body)
        if status != 202:
            # The platform has decided on the invocation (a response past 6 MB, say); life goes on.
            sys.stderr.write(
                "[ERROR] LAMBDA_RUNTIME Failed to post %s response. Http response code: %d. %s\n"
                % (what, status, answer.decode("utf-8", "replace").strip())
            )


def _parse_header(text, name):
    if not text:
        return None
    try:
        return lamina_json.loads(text)
    except Exception as error:
        raise Fault("Runtime.LambdaContextUnmarshalError", "Unable to parse %s JSON: %s" % (name, error))


def _make_context(headers):
    return lamina_context.LambdaContext(
        headers.get("lambda-runtime-aws-request-id"),
        _parse_header(headers.get("lambda-runtime-client-context"), "Client Context"),
        _parse_header(headers.get("lambda-runtime-cognito-identity"), "Cognito Identity"),
        int(headers.get("lambda-runtime-deadline-ms", 0)),
        headers.get("lambda-runtime-invoked-function-arn"),
        headers.get("lambda-runtime-aws-tenant-id"),
    )


def _unmarshal(body, content_type):
    if content_type != "application/json":
        return bytes(body)
    try:
        return lamina_json.loads(body.decode("utf-8", "surrogatepass"))
    except Exception as error:
        raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error)


def _marshal(response):
    if isinstance(response, bytes):
        return response, b"application/unknown"
    try:
        return lamina_json.dumps(response).encode(), b"application/json"
    except Exception as error:
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error)


def handle_invocation(api, request_handler, headers, body):
    invoke_id = headers.get("lambda-runtime-aws-request-id")
    try:
        lambda_context = _make_context(headers)
        event = _unmarshal(body, headers.get("content-type"))
        response = request_handler(event, lambda_context)
        result, content_type = _marshal(response)
    except Exception as error:
        faults = import_own("lamina_faults")
        api.post_error(invoke_id, *faults.report(error, invoke_id, with_xray_cause=True))
    else:
        api.post_response(invoke_id, result, content_type)


def set_trace_id(trace_id):
    if trace_id is not None:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)


def run(handler, runtime_api, started_at):
    """Never returns, except through an exception that is no Exception, such as SystemExit."""
    global current_request_id, current_tenant_id
    sys.stdout = Unbuffered(sys.stdout)
    sys.stderr = Unbuffered(sys.stderr)
    sys.meta_path.insert(0, LoggingFinder())
    api = RuntimeApi(runtime_api, started_at)
    try:
        request_handler = load_handler(handler)
    except Exception as error:
        api.post_init_error(*import_own("lamina_faults").report(error, ""))
        sys.exit(1)

    while True:
        headers, body = api.next_invocation()
        current_request_id = headers.get("lambda-runtime-aws-request-id")
        current_tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        set_trace_id(headers.get("lambda-runtime-trace-id"))
        handle_invocation(api, request_handler, headers, body)
