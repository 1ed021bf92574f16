"""The JSON writer for results that are not built of plain types only; also words what cannot be written."""

import _json


def dumps(value, escape_non_ascii):
    escape = _json.encode_basestring_ascii if escape_non_ascii else _json.encode_basestring
    return "".join(_Writer(escape).write(value))


class _Writer:
    def __init__(self, escape):
        self._escape = escape
        self._open = set()  # ids of the containers around the current value

    def write(self, value):
        scalar = self._scalar(value)
        if scalar is not None:
            yield scalar
            return
        if id(value) in self._open:
            raise ValueError("Circular reference detected")
        self._open.add(id(value))
        if isinstance(value, dict):
            yield from self._object(value)
        elif isinstance(value, tuple) and callable(getattr(value, "_asdict", None)):
            yield from self._object(value._asdict())
        elif isinstance(value, (list, tuple)):
            yield from self._array(value)
        else:
            raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)
        self._open.discard(id(value))

    def _object(self, members):
        before = "{"
        for key, value in members.items():
            yield before + self._key(key) + ": "
            yield from self.write(value)
            before = ", "
        yield "}" if members else "{}"

    def _array(self, values):
        before = "["
        for value in values:
            yield before
            yield from self.write(value)
            before = ", "
        yield "]" if values else "[]"

    def _scalar(self, value):
        if isinstance(value, str):
            return self._escape(value)
        if isinstance(value, bytes):
            return self._escape(value.decode())
        if value is None or value is True or value is False:
            return {None: "null", True: "true", False: "false"}[value]
        if isinstance(value, int):
            return int.__repr__(value)
        if isinstance(value, float):
            return _number(float.__repr__(value))
        from decimal import Decimal

        if isinstance(value, Decimal):
            return "NaN" if value.is_nan() else str(value)
        return None

    def _key(self, key):
        if isinstance(key, (str, bytes)):
            return self._scalar(key)
        if key is None or isinstance(key, (bool, int, float)):
            return '"%s"' % self._scalar(key)
        raise TypeError("keys must be str, int, float, bool or None, not %s" % type(key).__name__)


def _number(text):
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text, text)
