import os
import sys

from django.conf import settings

from registry_project.local.processes import Program


def registry_programs(host: str, port: int, workers: int) -> list[Program]:
    path = os.pathsep.join(filter(None, [str(settings.BASE_DIR), os.environ.get("PYTHONPATH")]))
    environment = {"PYTHONPATH": path}
    # The command that starts them has run Django's checks. They import all pages.
    without_checks = environment | {"CELERY_SKIP_CHECKS": "1"}
    return [
        Program("web", _web_argv(host, port, workers), environment),
        Program("worker", _worker_argv(), without_checks),
        Program("beat", [*_celery_argv(), "beat", "--loglevel=WARNING"], without_checks),
    ]


def _web_argv(host: str, port: int, workers: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "registry_project.wsgi",
        "--config=python:registry_project.server.configuration",
        f"--bind={f'[{host}]' if ':' in host else host}:{port}",
        f"--workers={workers}",
    ]


def _worker_argv() -> list[str]:
    # Sweeps run one at a time, and child processes could outlive the worker.
    return [
        *_celery_argv(),
        "worker",
        "--loglevel=WARNING",
        "--pool=solo",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    ]


def _celery_argv() -> list[str]:
    celery = ["-m", "celery", "--app=registry_project", "--quiet"]
    if os.geteuid() == 0:
        # Tasks are JSON, which carries no code.
        celery = ["-W", "ignore:You're running the worker with superuser", *celery]
    return [sys.executable, *celery]
