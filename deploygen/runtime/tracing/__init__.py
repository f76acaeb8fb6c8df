from .extension import extension

__all__ = ["extension"]
