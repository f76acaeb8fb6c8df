"""docs/configuration.md describes the environment variables."""

import django_stubs_ext

from registry_project.settings.api import *
from registry_project.settings.base import *
from registry_project.settings.celery import *
from registry_project.settings.database import *
from registry_project.settings.django import *
from registry_project.settings.metrics import *
from registry_project.settings.oidc import *
from registry_project.settings.probes import *
from registry_project.settings.rates import *
from registry_project.settings.registry import *
from registry_project.settings.security import *
from registry_project.settings.trials import *

django_stubs_ext.monkeypatch()
env.refuse_wrong_values()
