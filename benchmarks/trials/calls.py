"""What each agent is asked, and what it has to answer."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """`packages`: those whose versions the table has; `is_streamed`: whether pieces must come."""

    packages: tuple[str, ...]
    inputs: dict[str, Any]
    result: dict[str, Any]
    is_streamed: bool = False
    remark: str = field(default="", kw_only=True)


QUESTION = {"question": "Who are you?"}
HELLO = {"answer": "Hello from the model."}

CALLS = {
    "openai": Call(("openai",), QUESTION, HELLO),
    "pydantic_ai": Call(("pydantic-ai",), QUESTION, {"answer": '{"population":709037}'}),
    "openai_agents": Call(("openai-agents",), QUESTION, HELLO),
    "langgraph": Call(("langgraph",), {"text": "hello"}, {"text": "HELLO!"}),
    "google_adk": Call(("google-adk",), QUESTION, {"answer": "You said: Who are you?"}),
    "pandas": Call(
        ("pandas", "numpy"),
        {"rows": [["a", 1], ["a", 2], ["b", 5]]},
        {"means": {"a": 1.5, "b": 5.0}},
        remark="`package_tests: false`",
    ),
    "mcp": Call(
        ("mcp",),
        {"text": "one two"},
        {"tools": ["count_words"], "words": "2"},
        remark="the server is a process in the container",
    ),
    "psycopg": Call(
        ("psycopg", "psycopg-binary"),
        {},
        {"query": 'SELECT "name" FROM "my""table"', "error": "OperationalError"},
    ),
    "lxml": Call(
        ("lxml",), {"page": "<p><a href='/1'>1</a><a href='/2'>2</a>"}, {"links": ["/1", "/2"]}
    ),
    "opencv": Call(
        ("opencv-python-headless", "numpy"), {"size": 40}, {"edge_pixels": 40, "is_png": True}
    ),
    "opencv_libgl": Call(
        ("opencv-python", "numpy"),
        {"size": 40},
        {"edge_pixels": 40, "is_png": True},
        remark="`system_packages: [libgl1, libglib2.0-0]`",
    ),
    "tiktoken": Call(
        ("tiktoken",),
        {"text": "abab c"},
        {"tokens": [257, 32, 99]},
        remark="a build step makes its vocabulary",
    ),
    "streaming": Call((), {"text": "one two"}, {"text": "one two "}, True),
    "data": Call(
        ("pycountry",),
        {"country": "NO"},
        {"greeting": "Hei, Norway"},
        remark="its own package has data too",
    ),
}
