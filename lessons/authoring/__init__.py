"""What builds the course. It is not installed with it: ``python -m authoring`` in a checkout."""


class AuthoringError(RuntimeError):
    """Something cannot be made as asked; the message says why and what to do."""
