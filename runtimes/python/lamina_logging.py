"""Configures `logging` as Lambda does: one handler on the root logger, text or JSON, with the request id."""

import os
import sys
import time
import traceback

import lamina_json_exact
import lamina_runtime

_TEXT_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"

# What a LogRecord carries by itself. Any other attribute came through `extra` and is written out.
_RECORD_FIELDS = frozenset(
    """name msg args levelname levelno pathname filename module exc_info exc_text stack_info lineno funcName
    created msecs relativeCreated thread threadName processName process taskName aws_request_id tenant_id""".split()
)


def configure(logging):
    as_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    root = logging.getLogger()

    class LambdaLoggerHandler(logging.Handler):
        def emit(self, record):
            sys.stdout.write(self.format(record))

    class LambdaLoggerFilter(logging.Filter):
        def filter(self, record):
            record.aws_request_id = lamina_runtime.current_request_id
            record.tenant_id = lamina_runtime.current_tenant_id
            return True

    class JsonFormatter(logging.Formatter):
        def format(self, record):
            return _to_json(logging, record) + "\n"

    logging.Formatter.converter = time.gmtime
    level = "DEBUG" if level == "TRACE" else level
    if level in ("DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL", "FATAL", "NOTSET"):
        root.setLevel(level)
    handler = LambdaLoggerHandler()
    handler.setFormatter(JsonFormatter() if as_json else logging.Formatter(_TEXT_FORMAT, _TIME_FORMAT))
    handler.addFilter(LambdaLoggerFilter())
    root.addHandler(handler)


def _to_json(logging, record):
    # Levels between the standard ones are rounded down to one that CloudWatch knows.
    record.levelno = min(50, max(0, record.levelno)) // 10 * 10
    record.levelname = logging.getLevelName(record.levelno)
    seconds = time.strftime(_TIME_FORMAT, time.gmtime(record.created))
    line = {
        "timestamp": "%s.%03dZ" % (seconds, record.created % 1 * 1000),
        "level": record.levelname,
        "message": record.getMessage(),
        "logger": record.name,
    }
    if record.exc_info:
        error_type, error, tb = record.exc_info
        line["stackTrace"] = traceback.format_tb(tb)
        line["errorType"] = error_type.__name__ if error_type else None
        line["errorMessage"] = str(error)
    line["requestId"] = record.aws_request_id
    if record.exc_info:
        line["location"] = "%s:%s:%s" % (record.pathname, record.funcName, record.lineno)
    line["tenantId"] = record.tenant_id
    for name, value in record.__dict__.items():
        if name not in _RECORD_FIELDS:
            line.setdefault(name, value)
    written = {name: value for name, value in line.items() if value is not None}
    return lamina_json_exact.dumps(written, escape_non_ascii=False)
