import json
from pathlib import Path

import pycountry

WORDS = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))


def run(inputs):
    code = inputs["country"]
    return {"greeting": f"{WORDS[code]}, {pycountry.countries.get(alpha_2=code).name}"}
