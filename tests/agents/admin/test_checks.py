from django.contrib import admin
from django.core.checks import run_checks


def test_the_pages_pass_djangos_checks() -> None:
    """Which `manage.py check` may run before anything has loaded them."""
    admin.autodiscover()

    assert admin.site._registry
    assert not run_checks(tags=["admin"])
