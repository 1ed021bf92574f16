"""JSON as Lambda's Python runtime reads and writes it, without importing `json` when all goes well.

`json` imports `re`, which alone doubles the cost of a cold start; its C accelerator does not. Whatever
is out of the ordinary goes to `json` (errors of the reader) or to lamina_json_exact (the writer).
"""

import marshal
import sys

import _json

_SPACE = " \t\n\r"


class _ReaderSettings:
    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.__getitem__
    memo = {}


_scan = _json.make_scanner(_ReaderSettings)

# Lambda escapes what is not ASCII up to 3.11, and writes it as it is from 3.12 on.
ESCAPE_NON_ASCII = sys.version_info < (3, 12)


def loads(text):
    stripped = text.strip(_SPACE)
    try:
        value, end = _scan(stripped, 0)
        if end == len(stripped):
            return value
    except (StopIteration, ValueError, SystemError):
        pass  # SystemError: the scanner relies on json's exception class, which is not there yet
    import json

    return json.loads(text)  # finds the same fault again and words it


def _not_plain(_):
    raise TypeError


def dumps(value):
    """What json.dumps does, except: a named tuple is an object, bytes are text, a Decimal is a number.

    marshal refuses every subclass of a built-in type, at C speed. What it takes holds no named tuple and
    no Decimal, so the C encoder writes it as required.
    """
    try:
        marshal.dumps(value, 2)
        escape = _json.encode_basestring_ascii if ESCAPE_NON_ASCII else _json.encode_basestring
        encode = _json.make_encoder({}, _not_plain, escape, None, ": ", ", ", False, False, True)
        return "".join(encode(value, 0))
    except (TypeError, ValueError):
        import lamina_json_exact

        return lamina_json_exact.dumps(value, ESCAPE_NON_ASCII)
