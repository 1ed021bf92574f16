def rate(percent):
    return percent / 100
