from axes.apps import AppConfig as AxesConfig
from django.apps import AppConfig


class RegistryProjectConfig(AppConfig):
    name = "registry_project"
    default = True

    def ready(self) -> None:
        from registry_project import checks  # noqa: F401, PLC0415 - registers them


class LoginsConfig(AxesConfig):  # type: ignore[misc]  # has no types
    verbose_name = "Logins"
