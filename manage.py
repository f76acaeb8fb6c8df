#!/usr/bin/env python
"""Run a management command of the registry: `python manage.py help` lists them."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured

# They need no database, and the apps take a second to load.
WITHOUT_APPS = ("generate_agent", "run_agent")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
    from django.core.management import (  # noqa: PLC0415
        execute_from_command_line,
        load_command_class,
    )

    try:
        if sys.argv[1:] and sys.argv[1] in WITHOUT_APPS:
            load_command_class("deploygen", sys.argv[1]).run_from_argv(sys.argv)
        else:
            execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
