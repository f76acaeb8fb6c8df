import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from deploygen.output.package import top_level_names
from deploygen.project.bindings import top_level
from deploygen.project.handler import tree_of
from deploygen.project.modules import Modules, package_of
from deploygen.spec.model import AgentSpec

# Packages named otherwise than their modules.
PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "attr": ("attrs",),
    "bs4": ("beautifulsoup4",),
    "cv2": (
        "opencv-python-headless",
        "opencv-python",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    ),
    "Crypto": ("pycryptodome",),
    "dateutil": ("python-dateutil",),
    "docx": ("python-docx",),
    "dotenv": ("python-dotenv",),
    "faiss": ("faiss-cpu", "faiss-gpu"),
    "fitz": ("PyMuPDF",),
    "git": ("GitPython",),
    "github": ("PyGithub",),
    "google.adk": ("google-adk",),
    "google.genai": ("google-genai",),
    "grpc": ("grpcio",),
    "jose": ("python-jose",),
    "jwt": ("PyJWT",),
    "langchain_text_splitters": ("langchain-text-splitters",),
    "magic": ("python-magic",),
    "MySQLdb": ("mysqlclient",),
    "agents": ("openai-agents",),
    "OpenSSL": ("pyOpenSSL",),
    "PIL": ("Pillow",),
    "pptx": ("python-pptx",),
    "psycopg2": ("psycopg2-binary", "psycopg2"),
    "serial": ("pyserial",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "slack_sdk": ("slack-sdk",),
    "telegram": ("python-telegram-bot",),
    "yaml": ("PyYAML",),
    "zmq": ("pyzmq",),
}
# Packages of many projects share these names.
SHARED = frozenset({"google", "azure", "sphinxcontrib", "zope", "ruamel", "jaraco", "backports"})


@dataclass(frozen=True)
class Import:
    """An import that runs when the handler is loaded."""

    module: str
    file: str
    line: int

    @property
    def top(self) -> str:
        parts = self.module.split(".")
        return ".".join(parts[:2]) if parts[0] in SHARED else parts[0]


def imports_of(handler: str, modules: Modules) -> list[Import]:
    """Return the first import of each package from elsewhere. Raises HandlerError."""
    taken = top_level_names() | sys.stdlib_module_names
    found: dict[str, Import] = {}
    left, seen = [handler], set[str]()
    while left:
        name = left.pop()
        file = modules.file(name)
        # Importing a.b runs a first.
        left += [parent for parent in [name.rpartition(".")[0]] if parent and parent not in seen]
        if file is None or name in seen:
            continue
        seen.add(name)
        for each, targets in _imports(file, modules):
            own = [target for target in targets if _is_own(target, modules)]
            left += [target for target in own if target not in seen]
            if not own and each.module.split(".")[0].lower() not in taken:
                found.setdefault(each.top, each)
    return list(found.values())


def providers_of(top: str) -> tuple[str, ...]:
    return PROVIDERS.get(top) or (top.replace(".", "-").replace("_", "-"),)


def is_provided(top: str, packages: frozenset[str]) -> bool:
    """`packages`: normalised names."""
    names = {canonicalize_name(name) for name in providers_of(top)}
    if "." in top:
        # Names may go deeper, such as google-cloud-storage.
        return any(f"{each}-".startswith(f"{name}-") for each in packages for name in names)
    return bool(names & packages)


def missing_imports(
    spec: AgentSpec, modules: Modules, packages: Iterable[str] | None = None
) -> list[str]:
    """Return what no package provides, and what to add.

    `packages`: all that the agent has, None if unknown. Raises HandlerError.
    """
    known = frozenset(map(canonicalize_name, packages or ()))
    return [
        f"line {each.line} of {each.file} imports {each.module}: add {providers_of(each.top)[0]}"
        for each in imports_of(spec.handler_module, modules)
        if not is_provided(each.top, known)
    ]


def _imports(file: str, modules: Modules) -> Iterator[tuple[Import, list[str]]]:
    tree = tree_of(file, modules)
    if tree is None:
        return
    guarded = set(_guarded(tree))
    for node in top_level(tree):
        if node in guarded:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, file, node.lineno), [alias.name]
        elif isinstance(node, ast.ImportFrom):
            module = package_of(file, node.level, node.module)
            targets = [module, *(f"{module}.{alias.name}" for alias in node.names)]
            yield Import(module, file, node.lineno), targets


def _is_own(module: str, modules: Modules) -> bool:
    return modules.file(module) is not None or modules.is_package(module)


def _guarded(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield what may fail, or is for type checkers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        ):
            yield from ast.walk(node)
