"""REST errors: HTTP status, the code as a string, the field it speaks of (ONTAP REST reference 4.1)."""

from __future__ import annotations


class RestError(Exception):
    """A request is answered with an error body."""

    def __init__(self, status: int, code: str, message: str, target: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.target = target

    def body(self) -> dict[str, object]:
        """Give the answer's JSON."""
        error: dict[str, object] = {"message": str(self), "code": self.code}
        if self.target:
            error["target"] = self.target
        return {"error": error}


def not_found(what: str) -> RestError:
    """Build the answer for an object that is not there."""
    return RestError(404, "4", f"entry doesn't exist: {what}")


def exists(what: str) -> RestError:
    """Build the answer for a second object of one name."""
    return RestError(409, "1", f"duplicate entry: {what}")


def invalid(field: str, value: object, allowed: str) -> RestError:
    """Build the answer for a value that a field does not take."""
    return RestError(400, "262197", f'"{value}" is an invalid value for field "{field}" <{allowed}>', field)
