"""How much memory a process may use, by its control groups."""

import os
from pathlib import Path

import pytest

from registry_project.server.memory import available_memory

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
MEGABYTE = 1024 * 1024
HYBRID = "5:devices:/a\n4:cpu,memory:/docker/b\n0::/\n"


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        pytest.param("0::/\n", {}, MACHINE, id="no limit"),
        pytest.param("0::/a\n", {"a/memory.max": "max\n"}, MACHINE, id="max"),
        pytest.param("0::/a\n", {"a/memory.max": f"{64 * MEGABYTE}\n"}, 64, id="its group"),
        pytest.param("0::/a\n", {"a/memory.high": f"{32 * MEGABYTE}\n"}, 32, id="throttled"),
        pytest.param(
            "0::/a/b\n",
            {"a/b/memory.max": f"{64 * MEGABYTE}", "a/memory.max": f"{48 * MEGABYTE}"},
            48,
            id="the group above",
        ),
        pytest.param("0::/\n", {"memory.max": f"{64 * MEGABYTE}"}, 64, id="container"),
        pytest.param(
            HYBRID,
            {"memory/docker/b/memory.limit_in_bytes": f"{16 * MEGABYTE}"},
            16,
            id="version 1",
        ),
        pytest.param(
            HYBRID,
            {"memory/memory.limit_in_bytes": f"{16 * MEGABYTE}"},
            16,
            id="container, version 1",
        ),
        pytest.param(
            HYBRID,
            {"memory/docker/b/memory.limit_in_bytes": "9223372036854771712"},
            MACHINE,
            id="no limit, version 1",
        ),
    ],
)
def test_the_lowest_limit_of_memory_counts(
    tmp_path: Path, groups: str, limits: dict[str, str], expected: int
) -> None:
    write(tmp_path / "proc/self/cgroup", groups)
    for name, content in limits.items():
        write(tmp_path / "sys/fs/cgroup" / name, content)

    in_bytes = expected if expected == MACHINE else expected * MEGABYTE
    assert available_memory(tmp_path) == in_bytes


def test_without_control_groups_the_memory_of_the_machine_counts(tmp_path: Path) -> None:
    assert available_memory(tmp_path) == MACHINE


def write(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
