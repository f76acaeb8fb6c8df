from django.apps import AppConfig


class RegistryProjectConfig(AppConfig):
    name = "registry_project"

    def ready(self) -> None:
        from registry_project import checks  # noqa: F401, PLC0415 - registers them
