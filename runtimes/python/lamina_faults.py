"""What Lambda's Python runtime says when something failed: the error body, the log line, the X-Ray cause."""

import os
import sys
import time
import traceback

import lamina_json
import lamina_json_exact
import lamina_runtime

_RUNTIME_DIR = os.path.dirname(os.path.abspath(__file__)) + "/"
_MAX_XRAY_HEADER = 1024 * 1024


def report(error, invoke_id, with_xray_cause=False):
    """Logs the error; returns the body and the header lines for the Runtime API."""
    if isinstance(error, lamina_runtime.Fault):
        error_type, message, frames, trace = error.error_type, error.message, [], error.trace
    else:
        error_type, message = type(error).__name__, str(error)
        frames = _frames_of_the_function(error.__traceback__)
        trace = traceback.format_list(frames)
    body = {
        "errorMessage": message,
        "errorType": error_type,
        "requestId": invoke_id,
        "stackTrace": trace,
    }
    sys.stdout.write(_log_line(body))

    headers = _header("Lambda-Runtime-Function-Error-Type", error_type)
    headers += _header("Content-Type", "application/json")
    if with_xray_cause:
        named_by_runtime = isinstance(error, lamina_runtime.Fault)
        cause = _xray_cause("LambdaValidationError" if named_by_runtime else error_type, message, frames)
        if len(cause) < _MAX_XRAY_HEADER:
            headers += _header("Lambda-Runtime-Function-Xray-Error-Cause", cause)
    return lamina_json.dumps(body).encode("utf-8", "surrogatepass"), headers


def _header(name, value):
    return b"%s: %s\r\n" % (name.encode(), value.encode("ascii", "backslashreplace"))


def _frames_of_the_function(tb):
    frames = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in traceback.extract_tb(tb)]
    for index, frame in enumerate(frames):
        if not frame[0].startswith(_RUNTIME_DIR):
            return frames[index:]
    return frames  # the call of the handler itself failed: wrong number of parameters


def _log_line(body):
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON":
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return lamina_json.dumps(dict(timestamp=stamp, level="ERROR", **body)) + "\n"

    headline = "[ERROR] " + body["errorType"]
    if body["errorMessage"]:
        headline += ": " + body["errorMessage"]
    lines = [headline, "Traceback (most recent call last):"]
    for entry in body["stackTrace"]:
        lines += [_indent_with_nbsp(line) for line in entry.splitlines()]
    # Carriage returns keep it one log event.
    return "\r".join(lines) + "\n"


def _indent_with_nbsp(line):
    """CloudWatch trims ordinary spaces at the start of a line."""
    text = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(text)) + text


def _xray_cause(error_type, message, frames):
    cause = {
        "working_directory": os.getcwd(),
        "exceptions": [
            {
                "message": message,
                "type": error_type,
                "stack": [{"label": name, "path": path, "line": line} for path, line, name, _ in frames],
            }
        ],
        "paths": list(dict.fromkeys(frame[0] for frame in frames)),
    }
    return lamina_json_exact.dumps(cause, escape_non_ascii=True)
