import asyncio
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from deploygen.local.agent import OptionError, Options
from deploygen.local.loop import DevelopmentLoop
from deploygen.project.scaffold import SPEC_FILE

ENVIRONMENTS = "agent-environments"


class Command(BaseCommand):
    help = "Run an agent here, without Docker, and start it again whenever its files change."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "spec",
            metavar="SPEC",
            type=Path,
            help=f"an {SPEC_FILE}, or the folder that has one",
        )
        registry = parser.add_mutually_exclusive_group()
        registry.add_argument(
            "--registry-url",
            metavar="URL",
            help="the registry that it joins (default: AGENT_REGISTRY_URL; else that of its spec "
            "or the setting REGISTRY_URL, if it is on this machine and answers)",
        )
        registry.add_argument("--no-registry", action="store_true", help="it joins no registry")
        parser.add_argument(
            "--port",
            type=int,
            default=os.environ.get("AGENT_PORT") or None,
            help="the port it listens on (default: AGENT_PORT, else its spec's)",
        )
        parser.add_argument(
            "--listen",
            metavar="ADDRESS",
            default=os.environ.get("AGENT_LISTEN") or Options.listen,
            help="the address it listens on; 0.0.0.0 lets other machines call it (default: "
            f"AGENT_LISTEN, else {Options.listen})",
        )
        parser.add_argument(
            "--python",
            type=Path,
            metavar="PATH",
            help="a Python that has the agent's packages (default: an environment is made for "
            "them, once)",
        )

    def handle(self, *, spec: Path | str, **options: Any) -> None:
        path = Path(spec)
        path = path / SPEC_FILE if path.is_dir() else path
        if not path.is_file():
            raise CommandError(f"there is no {path}; generate_agent --init DIR writes one")
        loop = DevelopmentLoop(path, _options(options), settings.VAR_DIR / ENVIRONMENTS, self._say)
        try:
            asyncio.run(loop.run())
        except OptionError as error:
            raise CommandError(str(error)) from error

    def _say(self, text: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING("run_agent: ") + text)
        self.stdout.flush()


def _options(options: dict[str, Any]) -> Options:
    url = options["registry_url"] or os.environ.get("AGENT_REGISTRY_URL") or None
    return Options(
        default_registry=settings.REGISTRY_URL,
        listen=options["listen"],
        registry=False if options["no_registry"] else url,
        port=options["port"],
        python=_python(options["python"]),
    )


def _python(path: Path | str | None) -> Path | None:
    if path is None:
        return None
    # Not resolved: Python finds its environment by the link.
    python = Path(path).absolute()
    if not (python.is_file() and os.access(python, os.X_OK)):
        raise CommandError(f"--python: {path} is not a program")
    return python
