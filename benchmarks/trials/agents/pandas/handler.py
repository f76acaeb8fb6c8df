import pandas


def handle(inputs):
    frame = pandas.DataFrame(inputs["rows"], columns=["name", "value"])
    return {"means": frame.groupby("name")["value"].mean().to_dict()}
