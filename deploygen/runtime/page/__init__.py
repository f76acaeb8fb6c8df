from .route import add_page

__all__ = ["add_page"]
