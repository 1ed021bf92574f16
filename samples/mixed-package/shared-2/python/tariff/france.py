from .rates import percent

RATE = percent(20)
