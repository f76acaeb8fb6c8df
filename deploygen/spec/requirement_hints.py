import re

OPTIONS = {
    ("-r", "--requirement"): "write its lines here",
    ("-c", "--constraint"): "write the versions here",
    ("-e", "--editable"): "a module beside the spec is copied as it is",
    ("-i", "--index-url"): "use the key index_url",
    ("--extra-index-url",): "use the key extra_index_urls",
    ("-f", "--find-links"): "put the wheel beside the spec, and write './NAME.whl'",
    ("--pre",): "ask for it by version, such as 'numpy>=2.0rc1'",
}
OTHERS = (
    (r"pip install ", "only the requirement belongs here: leave 'pip install' out"),
    (r"[a-z+]+://", "before the URL, its name is missing: write 'NAME @ URL'"),
    (r".*\.whl$", "a wheel must be beside the spec, or in a folder there: write './NAME.whl'"),
    (r"[./~]", "only wheels are taken from files: build one, and write './NAME.whl'"),
)
OPTION = re.compile(r"(?:.*\s)?(--?[a-z]+(?:-[a-z]+)*)")
SINGLE_EQUALS = re.compile(r"\s*([\w.-]+)\s*=\s*([\w.*+!-]+)\s*")


def hint(text: str) -> str:
    """Return "" if unknown. Never repeats a URL, which may contain a password."""
    for pattern, instead in OTHERS:
        if re.match(pattern, text):
            return instead
    if option := OPTION.match(text):
        instead = next((each for names, each in OPTIONS.items() if option[1] in names), "")
        problem = f"options of pip, such as {option[1]}, have no place here"
        return f"{problem}: {instead}" if instead else problem
    if single := SINGLE_EQUALS.fullmatch(text):
        return f"a version follows '==': write '{single[1]}=={single[2]}'"
    return ""
