from collections.abc import Sequence

from deploygen.spec.model import AgentSpec

# Where builders put them.
FOLDER = "/run/secrets"
PIP_CONFIG = "pip_config"
NETRC = "netrc"


def step_command(run: str, secrets: Sequence[str]) -> str:
    """Return a shell command that has these secrets as variables, and names a missing one."""
    lines = []
    for name in secrets:
        hint = f"This step needs a secret: docker build --secret id={name},env={name}"
        lines += [
            f"test -s {FOLDER}/{name} || {{ echo '{hint}' >&2; exit 1; }}",
            f'export {name}="$(cat {FOLDER}/{name})"',
        ]
    return "\n".join([*lines, run])


def required_options(spec: AgentSpec) -> list[str]:
    """Return options of `docker build`, with FILE for the path of a file."""
    of_pip = [f"--secret id={PIP_CONFIG},src=FILE"] if spec.pip_config else []
    return [*of_pip, *(f"--secret id={name},env={name}" for name in spec.build_secrets)]


def names(spec: AgentSpec) -> list[str]:
    return [
        *([NETRC] if spec.may_need_credentials else []),
        *([PIP_CONFIG] if spec.pip_config else []),
        *spec.build_secrets,
    ]
