import importlib

import greeting


def handler(event, context):
    return {
        "version": greeting.__version__,
        "text": greeting.greet(event["name"]),
        "from": greeting.__file__,
        "left over from version 1": importlib.import_module("greeting.only_in_one").__doc__,
    }
