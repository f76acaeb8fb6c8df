from pathlib import Path

from .tree import Tree

# As in distroless images.
USER_ID = 65532
# The only writable folder.
HOME = "/tmp"  # noqa: S108


def add_accounts(tree: Tree) -> None:
    tree.write(
        Path("/etc/passwd"),
        "root:x:0:0:root:/root:/sbin/nologin\n"
        f"agent:x:{USER_ID}:{USER_ID}:agent:{HOME}:/sbin/nologin\n",
    )
    tree.write(Path("/etc/group"), f"root:x:0:\nagent:x:{USER_ID}:\n")
    # Otherwise glibc asks DNS before /etc/hosts.
    tree.write(Path("/etc/nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files dns\n")
    tree.folder(Path(HOME), 0o1777)
