"""The broker on one machine: kombu's filesystem transport in a folder, no server needed."""

from pathlib import Path
from typing import Any

FOLDER_URL = "filesystem://localhost"


def folder_broker(folder: Path) -> dict[str, Any]:
    """Make the folders of the broker, and return the options of its transport."""
    messages, control = folder / "messages", folder / "control"
    for path in (messages, control):
        path.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(messages),
        "data_folder_out": str(messages),
        "control_folder": str(control),
        "store_processed": False,
        # Seconds. kombu's default of one second would delay each sweep and each stop by up to that.
        "polling_interval": 0.25,
    }
