"""CycloneDX 1.5 (https://cyclonedx.org/docs/1.5/json/)."""

import json
import platform
import uuid
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

from .os_packages import OsPackage
from .packages import normalised

PLACE = Path("/sbom.cdx.json")
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/schema/bom-1.5.schema.json")
WHOLE = "image"
Component = dict[str, Any]


def bill_of_materials(
    about: dict[str, Any],
    python: list[Distribution],
    system: list[OsPackage],
    distribution: dict[str, str],
) -> str:
    """The same packages give the same document. `about`: name, perhaps version."""
    components = [
        _interpreter(),
        *(_of_python(package) for package in python),
        *(_of_system(package, distribution) for package in system),
    ]
    content = {
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "component": {
                "type": "application",
                "bom-ref": WHOLE,
                "name": about["name"],
                **({"version": about["version"]} if "version" in about else {}),
            },
        },
        "components": components,
        "dependencies": [
            {"ref": WHOLE, "dependsOn": [component["bom-ref"] for component in components]}
        ],
    }
    identity = uuid.uuid5(NAMESPACE, json.dumps(content, sort_keys=True))
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{identity}",
        "version": 1,
        **content,
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _interpreter() -> Component:
    version = platform.python_version()
    return _component("application", "python", version, f"pkg:generic/python@{version}")


def _of_python(package: Distribution) -> Component:
    name, version = normalised(package.metadata["Name"]), package.version
    component = _component("library", name, version, f"pkg:pypi/{name}@{version}")
    metadata = package.metadata
    if "License-Expression" in metadata:
        component["licenses"] = [{"expression": metadata["License-Expression"]}]
    elif "License" in metadata and (text := metadata["License"].strip()):
        # Some contain the whole text.
        component["licenses"] = [{"license": {"name": text.splitlines()[0]}}]
    return component


def _of_system(package: OsPackage, distribution: dict[str, str]) -> Component:
    purl = package.purl(distribution)
    component = _component("library", package.name, package.version, purl)
    if package.licence:
        component["licenses"] = [{"license": {"name": package.licence}}]
    return component


def _component(kind: str, name: str, version: str, purl: str) -> Component:
    return {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl}
