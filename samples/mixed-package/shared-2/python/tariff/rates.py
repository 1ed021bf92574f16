def percent(number):
    return f"{number} %"
