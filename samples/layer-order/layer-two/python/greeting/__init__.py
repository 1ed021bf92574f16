__version__ = "2.0"


def greet(name):
    return f"Hi {name}!"
