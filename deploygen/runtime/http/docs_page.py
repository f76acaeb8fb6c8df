import json
from html import escape
from typing import Any

from fastapi import FastAPI

from ..access.tokens import requires_token
from ..config import AgentConfig

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem;
       color: #1b1f24; background: #fff; }
h1 small { font-weight: normal; color: #57606a; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0;
         border-bottom: 1px solid #d0d7de; }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { background: #f6f8fa; padding: .75rem; overflow-x: auto; }
@media (prefers-color-scheme: dark) {
  body { color: #e6edf3; background: #0d1117; } pre { background: #161b22; }
  h1 small { color: #9198a1; } th, td { border-color: #30363d; } a { color: #4493f8; }
}
"""


def docs_page(
    config: AgentConfig, app: FastAPI, inputs: dict[str, Any], outputs: dict[str, Any]
) -> str:
    name, version = escape(config.name), escape(config.version)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{name} <small>{version}</small></h1>
<p>{escape(config.description)}</p>
<h2>Calls</h2>
<table>
<thead><tr><th scope="col">call</th><th scope="col">what it does</th></tr></thead>
<tbody>
{_rows(app)}
</tbody>
</table>
<h2>Try it</h2>
<pre>{escape(_example(config))}</pre>
<h2>Inputs</h2>
<pre>{_pretty(inputs)}</pre>
<h2>Outputs</h2>
<pre>{_pretty(outputs)}</pre>
<p>As files: <a href="openapi.json">openapi.json</a>, <a href="schema">schema</a>,
<a href=".well-known/agent-card.json">agent-card.json</a></p>
</body>
</html>
"""


def _rows(app: FastAPI) -> str:
    return "\n".join(
        f"<tr><td><code>{method.upper()} {escape(path)}</code></td>"
        f"<td>{escape(operation.get('description') or operation.get('summary', ''))}</td></tr>"
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
    )


def _example(config: AgentConfig) -> str:
    samples = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "array": []}
    inputs = {
        each.name: each.default if each.default is not None else samples.get(each.type, {})
        for each in config.inputs
        if each.required or each.default is not None
    }
    body = json.dumps(inputs if config.inputs else {"input": "text"}).replace("'", "'\\''")
    token = '-H "Authorization: Bearer $TOKEN" ' if requires_token(config.environ) else ""
    return (
        f"curl -X POST http://localhost:{config.port}/run {token}"
        f"-H 'Content-Type: application/json' -d '{body}'"
    )


def _pretty(schema: dict[str, Any]) -> str:
    return escape(json.dumps(schema, ensure_ascii=False, indent=2))
