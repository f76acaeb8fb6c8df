import keyword
import re
import sys

from deploygen.spec.fields import wrong

# "handler.py:handle" would be a module "py".
PATTERN = r"(?!.*\.py:)[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*"
USUAL_FUNCTION = "handle"


def meant(text: str) -> str:
    """Return a question, "" if the meaning is unclear."""
    bare = re.sub(r"\(.*$|\s", "", text).replace("\\", "/")
    path, _, function = bare.partition(":")
    if "." in function:
        return ": write a function of the module that calls it"
    folder, _, file = path.rpartition("/")
    module = file.removesuffix(".py")
    if not function and "." in module:
        module, _, function = module.rpartition(".")
    named = "/".join(filter(None, [folder.strip("./"), module.removesuffix(".py")]))
    name = named.replace("-", "_")
    handler = f"{name.replace('/', '.')}:{function.strip(':') or USUAL_FUNCTION}"
    if not re.fullmatch(PATTERN, handler):
        return ""
    place = f", with the function in {name}.py beside the spec" if name != named else ""
    return f"; did you mean {handler!r}{place}?"


def importable(handler: str) -> str:
    for word in re.split(r"[.:]", handler):
        if keyword.iskeyword(word):
            raise wrong(f"{word!r} is a keyword of Python, and cannot be a name")
    top = re.split(r"[.:]", handler)[0]
    if top in sys.stdlib_module_names:
        raise wrong(f"{top} is a module of Python itself: give yours another name")
    return handler
