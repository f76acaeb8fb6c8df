import re
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from deploygen.spec.fields import wrong
from deploygen.spec.requirement_hints import hint
from deploygen.spec.rules import URL_TEXT, problem_of_url

RUNTIME = "agent-runtime"
WHEEL = re.compile(
    r"\./(?P<path>(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/)*(?P<file>[A-Za-z0-9_][A-Za-z0-9_.+!-]*\.whl))"
    r"(?P<extras>\[[A-Za-z0-9._,-]+\])?"
)
GIT = "git+https"
# Each fits one version of opentelemetry-api, which every agent has.
FOR_TRACES = (
    "opentelemetry-sdk>=1.40",
    "opentelemetry-exporter-otlp-proto-http>=1.40",
    "opentelemetry-instrumentation-httpx>=0.61b0",
)
COMMIT = re.compile(r"@[0-9a-fA-F]{40}")
SUBDIRECTORY = re.compile(r"|subdirectory=[A-Za-z0-9._/-]+")
LOOPBACK = re.compile(r"localhost|127\.[0-9.]+|::1")
CREDENTIALS = (
    "it must not hold a user or a password: put them into a netrc file, and give that to the build "
    "as a secret (docker build --secret id=netrc,src=FILE)"
)


def requirement(text: str) -> str:
    """Require what pip can install anywhere."""
    try:
        required = parse(text)
    except InvalidRequirement as error:
        problem = str(error).splitlines()[0].rstrip(":")
        raise wrong(
            hint(text) or f"it is not a requirement such as 'numpy>=2': {problem}"
        ) from error
    except InvalidWheelFilename as error:
        raise wrong("it is not the name of a wheel, such as tools-1.0-py3-none-any.whl") from error
    if re.search(r"\\|\$|\s#", text):
        # Special in requirements files.
        raise wrong(r"it must have no '\', no '$' and no comment")
    if canonicalize_name(required.name) == RUNTIME:
        raise wrong("agent_runtime is the package of every agent, and would hide it")
    if required.name.endswith(".whl"):
        raise wrong(hint(required.name))
    if required.specifier.is_unsatisfiable():
        raise wrong(f"no version can be {text!r}")
    if required.url is not None and not WHEEL.fullmatch(text):
        _check_url(required, required.url)
    return text


def parse(text: str) -> Requirement:
    """A wheel's URL is its path. Raises InvalidRequirement, InvalidWheelFilename."""
    if wheel := WHEEL.fullmatch(text):
        name = parse_wheel_filename(wheel["file"])[0]
        return Requirement(f"{name}{wheel['extras'] or ''} @ ./{wheel['path']}")
    return Requirement(text)


def file_of(url: str) -> tuple[str, Version] | None:
    """Return normalised name and version, None if the file's name has none."""
    name = urlsplit(url).path.rpartition("/")[2]
    try:
        if name.endswith(".whl"):
            return parse_wheel_filename(name)[:2]
        return parse_sdist_filename(name)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def is_remote(text: str) -> bool:
    return "://" in (parse(text).url or "")


def is_git(text: str) -> bool:
    return (parse(text).url or "").startswith(GIT)


def index_url(url: str) -> str:
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise wrong(CREDENTIALS)
    if problem := problem_of_url(url):
        raise wrong(problem)
    if "?" in url or "#" in url:
        raise wrong("it must have no query and no fragment")
    parts = urlsplit(url)
    if parts.scheme == "http" and not LOOPBACK.fullmatch(parts.hostname or ""):
        raise wrong("it must be https://: pip trusts http:// of localhost only")
    return url


def _check_url(required: Requirement, url: str) -> None:
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise wrong(CREDENTIALS)
    if parts.scheme == "file" or not parts.scheme:
        raise wrong("it is no URL; for a wheel beside the spec, write the path: './NAME.whl'")
    if parts.scheme not in ("https", GIT) or not parts.hostname or not URL_TEXT.fullmatch(url):
        raise wrong("its URL must be https:// or git+https://")
    if parts.scheme == GIT:
        repository, at, _ = parts.path.rpartition("@")
        if not at or not COMMIT.fullmatch(parts.path[len(repository) :]):
            raise wrong(
                "after '@', its URL must have all 40 digits of a commit: a branch or a tag may "
                "move (git ls-remote URL lists their commits)"
            )
        if not SUBDIRECTORY.fullmatch(parts.fragment):
            raise wrong("after '#', its URL may have subdirectory=PATH only")
        return
    file = file_of(url)
    if file is not None and file[0] != canonicalize_name(required.name):
        kind = "wheel" if parts.path.endswith(".whl") else "source"
        raise wrong(f"its URL is a {kind} of {file[0]}: write '{file[0]} @ https://...'")
