"""Errors that become Terraform diagnostics."""

from __future__ import annotations


class ProviderError(Exception):
    """A fault of the configuration or of the local AWS; its text is the diagnostic.

    `attribute` names the top-level argument it is about, so that Terraform shows file and line.
    """

    def __init__(self, message: str, *, attribute: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.attribute = attribute
        self.detail = detail


class NotFoundError(Exception):
    """The object is gone; reading it gives null, deleting it is done."""
