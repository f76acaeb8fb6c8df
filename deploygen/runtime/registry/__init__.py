from .registration import extension

__all__ = ["extension"]
