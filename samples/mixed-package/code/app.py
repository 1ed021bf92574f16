import tariff


def handler(event, context):
    return {"version": tariff.__version__, "countries": tariff.countries()}
