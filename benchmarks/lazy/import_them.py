"""import_them.py TREE NAME,NAME: imports out of a layer's tree and prints the monotonic clock at the end."""

import sys
import time

sys.path.insert(0, sys.argv[1] + "/python")
for name in sys.argv[2].split(","):
    __import__(name)
print(time.monotonic_ns())
