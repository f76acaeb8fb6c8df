import struct
import sys
from pathlib import Path

import pytest

from deploygen.image.shared_libraries import (
    is_elf,
    late_libraries,
    libraries_of,
    loader_of,
    read_list,
    settings_of_loader,
)
from tests.deploygen.image.lacking import lacking_library

OF_GLIBC = """\
\tlinux-vdso.so.1 (0x00007ffd8a9f2000)
\tlibpython3.13.so.1.0 => /usr/local/bin/../lib/libpython3.13.so.1.0 (0x00007f1c00000000)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f1c3a200000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f1c3a400000)
\tlibodd.so => /opt/with (blank)/libodd.so (0x00007f1c3a500000)
\tlibgone.so.3 => not found
"""
OF_MUSL = """\
\t/lib/ld-musl-x86_64.so.1 (0x7f1c3a200000)
\tlibpython3.13.so.1.0 => /usr/local/lib/libpython3.13.so.1.0 (0x7f1c39c00000)
\tlibc.musl-x86_64.so.1 => /lib/ld-musl-x86_64.so.1 (0x7f1c3a200000)
Error loading shared library libgone.so.3: No such file or directory (needed by /x/y.so)
"""


def elf(*, bits: int, order: str, segments: list[tuple[int, bytes]]) -> bytes:
    """Return an ELF file with segments of these types and contents."""
    is_64 = bits == 64
    head_size, entry_size = (64, 56) if is_64 else (52, 32)
    head = b"\x7fELF" + bytes([2 if is_64 else 1, 1 if order == "<" else 2]) + bytes(10)
    if is_64:
        rest = (2, 62, 1, 0, head_size, 0, 0, head_size, entry_size, len(segments), 0, 0, 0)
        head += struct.pack(order + "HHIQQQIHHHHHH", *rest)
    else:
        rest = (2, 3, 1, 0, head_size, 0, 0, head_size, entry_size, len(segments), 0, 0, 0)
        head += struct.pack(order + "HHIIIIIHHHHHH", *rest)
    table, content = b"", b""
    for kind, text in segments:
        at = head_size + entry_size * len(segments) + len(content)
        content += text
        if is_64:
            table += struct.pack(order + "IIQQQQQQ", kind, 4, at, 0, 0, len(text), len(text), 1)
        else:
            table += struct.pack(order + "IIIIIIII", kind, at, 0, 0, len(text), len(text), 4, 1)
    return head + table + content


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_loader_is_read_from_the_program(tmp_path: Path, bits: int, order: str) -> None:
    segments = [(1, b"code"), (3, b"/lib/ld-musl-x.so.1\0"), (1, b"data")]
    (tmp_path / "program").write_bytes(elf(bits=bits, order=order, segments=segments))
    assert loader_of(tmp_path / "program") == Path("/lib/ld-musl-x.so.1")


def test_a_static_program_has_no_loader(tmp_path: Path) -> None:
    (tmp_path / "program").write_bytes(elf(bits=64, order="<", segments=[(1, b"code")]))
    assert loader_of(tmp_path / "program") is None


def test_a_file_that_is_not_elf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "script").write_text("#!/bin/sh\n")
    with pytest.raises(ValueError, match="not an ELF file"):
        loader_of(tmp_path / "script")


def test_the_output_of_both_loaders_is_parsed() -> None:
    assert read_list(OF_GLIBC) == (
        {
            Path("/usr/local/bin/../lib/libpython3.13.so.1.0"),
            Path("/lib/x86_64-linux-gnu/libc.so.6"),
            Path("/lib64/ld-linux-x86-64.so.2"),
            Path("/opt/with (blank)/libodd.so"),
        },
        {"libgone.so.3"},
    )
    assert read_list(OF_MUSL) == (
        {Path("/lib/ld-musl-x86_64.so.1"), Path("/usr/local/lib/libpython3.13.so.1.0")},
        {"libgone.so.3"},
    )


def test_the_loader_of_this_machine_lists_what_this_python_needs() -> None:
    program = Path(sys.executable).resolve()
    loader = loader_of(program)
    assert loader is not None
    libraries = libraries_of([program], loader)
    assert any(path.name.startswith(("libc.so", "ld-musl")) for path in libraries.paths)
    assert all(path.is_absolute() and path.exists() for path in libraries.paths)
    assert libraries.missing == {}


def test_after_a_missing_library_the_loader_of_this_machine_lists_the_others(
    tmp_path: Path,
) -> None:
    content, missing = lacking_library()
    (tmp_path / "lacking.so").write_bytes(content)
    loader = loader_of(Path(sys.executable).resolve())
    assert loader is not None
    libraries = libraries_of([tmp_path / "lacking.so"], loader)
    assert libraries.missing == {missing: [tmp_path / "lacking.so"]}
    assert [path for path in libraries.paths if path.name.startswith("libcrypto.so")]


def test_a_loader_that_is_killed_fails_the_build(tmp_path: Path) -> None:
    loader = tmp_path / "ld-musl-test.so.1"  # so that it runs, and is not only listed
    loader.write_text("#!/bin/sh\nkill -KILL $$\n")
    loader.chmod(0o755)
    with pytest.raises(RuntimeError, match="was killed"):
        libraries_of([Path(sys.executable)], loader)


def test_files_are_recognised_as_elf_by_content_not_by_name(tmp_path: Path) -> None:
    (tmp_path / "odd.name").write_bytes(b"\x7fELF...")
    (tmp_path / "not.so").write_text("INPUT(libc.so.6)")
    assert is_elf(tmp_path / "odd.name")
    assert not is_elf(tmp_path / "not.so")


def test_existing_settings_of_the_loader_are_found(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    assert list(settings_of_loader(tmp_path)) == []
    for name in ("ld.so.cache", "ld-musl-x86_64.path", "ld.so.conf"):
        (tmp_path / "etc" / name).touch()
    found = [path.name for path in settings_of_loader(tmp_path)]
    assert found == ["ld.so.cache", "ld-musl-x86_64.path"]


def test_libraries_loaded_at_run_time_are_found_as_files() -> None:
    for path in late_libraries():
        assert path.is_absolute()
        assert path.is_file()
