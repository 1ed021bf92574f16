import numpy


def library_path(name):
    """Where the loader found a shared library that this process has mapped."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return next((line.split()[-1] for line in maps if name in line), None)


def handler(event, context):
    solution = numpy.linalg.solve(numpy.array(event["matrix"]), numpy.array(event["vector"]))
    return {
        "solution": solution.round(6).tolist(),
        "numpy": numpy.__file__,
        "blas": library_path("libblas"),
    }
