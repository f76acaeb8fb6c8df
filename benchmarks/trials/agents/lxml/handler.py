from lxml import html


def handle(inputs):
    return {"links": html.fromstring(inputs["page"]).xpath("//a/@href")}
