from django.contrib.auth.models import User
from django.db import models


class Identity(models.Model):
    """Whom an OpenID provider means by a subject. Names and addresses may change hands."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="identity")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)

    class Meta:
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="identity_is_unique")
        ]

    def __str__(self) -> str:
        return f"{self.subject} of {self.issuer}"
