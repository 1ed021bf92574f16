from .rates import rate

RATE = rate(20)
