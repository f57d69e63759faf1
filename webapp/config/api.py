"""One shape for every error of the HTTP API: `{"code", "message"}`."""

from typing import Any

from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_handler


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what a view raised into an answer; unexpected errors stay exceptions."""
    response = drf_handler(error, context)
    if response is None:
        return None
    if isinstance(error, ValidationError):
        response.data = {"code": "invalid", "message": "; ".join(_messages(error.detail))}
    elif isinstance(error, APIException):
        codes = error.get_codes()
        response.data = {"code": codes if isinstance(codes, str) else "error", "message": str(error.detail)}
    else:
        # Django's own Http404 and PermissionDenied.
        code = "not_found" if response.status_code == 404 else "permission_denied"
        response.data = {"code": code, "message": str(response.data.get("detail", ""))}
    return response


def _messages(detail: Any, field: str = "") -> list[str]:
    if isinstance(detail, dict):
        return [m for key, value in detail.items() for m in _messages(value, f"{field}.{key}".lstrip("."))]
    if isinstance(detail, list):
        return [m for value in detail for m in _messages(value, field)]
    return [f"{field}: {detail}" if field and field != "non_field_errors" else str(detail)]
