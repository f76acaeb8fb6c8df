import stat
import subprocess
import sys
from pathlib import Path

from registry_project.security.secret_key import read_or_create


def test_a_key_is_created_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"

    key = read_or_create(path)

    assert len(key) >= 50
    assert read_or_create(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_processes_that_start_together_use_the_same_key(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from registry_project.security.secret_key import read_or_create;"
        "print(read_or_create(Path(sys.argv[1])))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "key")],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        for _ in range(4)
    ]
    keys = {process.communicate()[0] for process in processes}

    assert len(keys) == 1
    assert len(keys.pop()) > 50


def test_the_trailing_newline_of_a_key_file_is_removed(tmp_path: Path) -> None:
    """`openssl rand -base64 48 > secret_key` writes one; `$(cat secret_key)` drops it."""
    (tmp_path / "key").write_text("the key\n")
    code = "from registry_project import settings; print(repr(settings.SECRET_KEY))"
    environment = {"SECRET_KEY_FILE": str(tmp_path / "key"), "REGISTRY_VAR_DIR": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout == "'the key'\n"
