"""The admin pages of Django's and axes' models, with the same restricted lookups as ours."""

import axes.admin  # noqa: F401
import django.contrib.auth.admin  # noqa: F401 - both register theirs, to be replaced here
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.models import Group, User

from agents.admin.widgets.read_only import NarrowLookups

for model in (User, Group, AccessAttempt, AccessLog, AccessFailureLog):
    theirs = type(admin.site.get_model_admin(model))
    admin.site.unregister(model)
    admin.site.register(model, type(theirs.__name__, (NarrowLookups, theirs), {}))
