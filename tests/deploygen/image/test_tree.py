from pathlib import Path

import pytest

from deploygen.image.tree import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "image")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    (folder / "usr" / "lib").mkdir(parents=True)
    (folder / "usr" / "lib" / "libx.so.1.2").write_text("code")
    (folder / "usr" / "lib" / "libx.so.1").symlink_to("libx.so.1.2")
    return folder


def test_a_file_is_copied_with_all_links_on_its_path(tree: Tree, base: Path) -> None:
    (base / "lib").symlink_to("usr/lib")
    tree.copy(base / "lib" / "libx.so.1")

    image = tree.inside(base)
    assert (image / "lib").readlink() == Path("usr/lib")
    assert (image / "usr" / "lib" / "libx.so.1").readlink() == Path("libx.so.1.2")
    assert (image / "lib" / "libx.so.1").read_text() == "code"
    assert tree.copied == {base / "usr" / "lib" / "libx.so.1.2"}


def test_links_may_be_absolute_or_lead_upwards(tree: Tree, base: Path) -> None:
    (base / "lib").symlink_to(base / "usr" / "lib")
    (base / "opt").mkdir()
    (base / "opt" / "x").symlink_to("../lib/libx.so.1")
    tree.copy(base / "opt" / "x")

    assert (tree.inside(base) / "usr" / "lib" / "libx.so.1.2").read_text() == "code"
    assert (tree.inside(base) / "lib").readlink() == base / "usr" / "lib"
    assert (tree.inside(base) / "opt" / "x").readlink() == Path("../lib/libx.so.1")


def test_circular_links_are_an_error(tree: Tree, base: Path) -> None:
    (base / "a").symlink_to("b")
    (base / "b").symlink_to("a")
    with pytest.raises(OSError, match="too many symbolic links"):
        tree.copy(base / "a")


def test_a_file_written_below_a_link_stays_in_the_image(tree: Tree, base: Path) -> None:
    (base / "lib").symlink_to(base / "usr" / "lib")
    tree.write(base / "lib" / "new", "text")

    assert not (base / "usr" / "lib" / "new").exists()
    assert (tree.inside(base) / "usr" / "lib" / "new").read_text() == "text"


def test_a_copied_folder_is_readable_for_all(tree: Tree, base: Path) -> None:
    (base / "app").mkdir(mode=0o700)
    (base / "app" / "secretive.py").write_text("x")
    (base / "app" / "secretive.py").chmod(0o600)
    (base / "app" / "program").write_text("x")
    (base / "app" / "program").chmod(0o700)
    (base / "app" / "build").mkdir()
    (base / "app" / "deep" / "build").mkdir(parents=True)
    (base / "app" / "deep" / "tools").mkdir()
    app = base / "app"
    tree.copy_folder(app, Path("/app"), app / "build", app / "deep/tools")

    app = tree.inside(Path("/app"))
    modes = {path.name: path.stat().st_mode & 0o7777 for path in [app, *app.iterdir()]}
    assert modes == {"app": 0o755, "secretive.py": 0o644, "program": 0o755, "deep": 0o755}
    # Exclusions are paths, not names.
    assert [path.name for path in (app / "deep").iterdir()] == ["build"]


def test_a_link_does_not_replace_an_existing_file(tree: Tree) -> None:
    tree.write(Path("/etc/there"), "text")
    tree.link(Path("/etc/there"), Path("/etc/elsewhere"))
    tree.link(Path("/etc/new"), Path("/etc/there"))

    assert tree.inside(Path("/etc/there")).read_text() == "text"
    assert tree.inside(Path("/etc/new")).readlink() == Path("/etc/there")


def test_what_a_tree_below_has_is_left_out(tree: Tree, base: Path, tmp_path: Path) -> None:
    (base / "lib").symlink_to("usr/lib")
    tree.copy(base / "lib" / "libx.so.1")
    tree.write(Path("/etc/same"), "text")
    tree.write(Path("/etc/other"), "text")
    above = Tree(tmp_path / "above", [tree.root])
    above.copy(base / "lib" / "libx.so.1")
    above.write(Path("/etc/same"), "text")
    above.write(Path("/etc/other"), "another text")
    above.write(base / "lib" / "new", "text")
    above.link(Path("/etc/same"), Path("/etc/elsewhere"))

    written = {path for path in above.root.rglob("*") if path.is_symlink() or path.is_file()}
    # The link from lib to usr/lib is below: a file there must not turn it into a folder.
    assert written == {above.inside(Path("/etc/other")), above.inside(base / "usr/lib/new")}
    # It is the base's all the same.
    assert above.copied == {base / "usr/lib/libx.so.1.2"}
