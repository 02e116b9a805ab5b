"""The one place where HTTP statuses are chosen; errors are ``application/problem+json`` (RFC 9457).

Who asks for a page with a browser gets the same as a page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from callstats.accounts.signing import SignInError
from callstats.cases.register import ChangedError, NoCaseError
from callstats.errors import CallstatsError, ClosedMonthError, InputError, StoreError, UsageError

PROBLEM: Final = "application/problem+json"


class NotFoundError(CallstatsError):
    """There is no such department, metric or call."""


class NotAcceptableError(CallstatsError):
    """The client accepts none of the formats there are."""


class ForbiddenError(CallstatsError):
    """Who asks may not see or do this."""


class UnknownVisitorError(CallstatsError):
    """Nobody has signed in."""


class ForeignFormError(CallstatsError):
    """A form that a page of another site sent."""


class TooLargeError(CallstatsError):
    """The request's body is longer than any that is needed here."""


class BusyError(CallstatsError):
    """So many are served this way already that no more can be."""


class WrongHostError(CallstatsError):
    """The request names a host that this server is not."""


_STATUS: Final[dict[type[CallstatsError], HTTPStatus]] = {
    NotFoundError: HTTPStatus.NOT_FOUND,
    NotAcceptableError: HTTPStatus.NOT_ACCEPTABLE,
    BusyError: HTTPStatus.SERVICE_UNAVAILABLE,
    WrongHostError: HTTPStatus.MISDIRECTED_REQUEST,
    TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    UnknownVisitorError: HTTPStatus.UNAUTHORIZED,
    SignInError: HTTPStatus.UNAUTHORIZED,
    ForeignFormError: HTTPStatus.FORBIDDEN,
    NoCaseError: HTTPStatus.NOT_FOUND,
    ChangedError: HTTPStatus.CONFLICT,
    UsageError: HTTPStatus.UNPROCESSABLE_ENTITY,
    InputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    ClosedMonthError: HTTPStatus.SERVICE_UNAVAILABLE,
}


def problem(status: int, detail: str, errors: Sequence[dict[str, str]] = ()) -> Response:
    """A problem document: ``title`` is the status in words, ``detail`` what is wrong and what to do."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
    }
    if errors:
        body["errors"] = list(errors)
    return Response(json.dumps(body, ensure_ascii=False), status, media_type=PROBLEM)


def status_of(error: CallstatsError) -> HTTPStatus:
    """The status of one of our own errors."""
    found = (_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)


def of(error: CallstatsError) -> Response:
    """The problem document of one of our own errors."""
    return problem(status_of(error), str(error))


def _told(request: Request, status: int, detail: str, errors: Sequence[dict[str, str]] = ()) -> Response:
    """As a page for a browser that asks for one, else as a problem document."""
    as_page: Callable[[Request, int, str], Response] | None = getattr(request.app.state, "problem_page", None)
    if as_page is not None and "text/html" in request.headers.get("accept", ""):
        return as_page(request, status, detail)
    return problem(status, detail, errors)


def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, CallstatsError)
    as_page = "text/html" in request.headers.get("accept", "")
    if isinstance(error, UnknownVisitorError) and as_page and request.method == "GET":
        root = request.scope.get("root_path", "")
        target = request.url.path.removeprefix(root) + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"{root}/signin?{urlencode({'next': target})}", HTTPStatus.SEE_OTHER)
    return _told(request, status_of(error), str(error))


def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [_fault(one) for one in error.errors()]
    detail = "; ".join(f"{one['parameter']}: {one['message']}" for one in found)
    extra = any(one["type"] == "extra_forbidden" for one in error.errors())
    if extra:
        detail += f"; allowed: {', '.join(_allowed(request))}"
    return _told(request, HTTPStatus.UNPROCESSABLE_ENTITY, detail, found)


def _fault(one: dict[str, Any]) -> dict[str, str]:
    where = [str(part) for part in one["loc"] if part not in ("query", "path")]
    message = "is not a parameter here" if one["type"] == "extra_forbidden" else str(one["msg"])
    return {"parameter": ".".join(where), "message": message}


def _allowed(request: Request) -> list[str]:
    """Query parameters of the route, by the names that a client writes."""
    models = [parameter.field_info.annotation for parameter in request.scope["route"].dependant.query_params]
    fields = [
        field for model in models if issubclass(model, BaseModel) for field in model.model_fields.items()
    ]
    return [info.alias or name for name, info in fields]


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _told(request, error.status_code, str(error.detail))
    response.headers.update(error.headers or {})
    return response


def unforeseen() -> Response:
    """The problem document of a fault of ours, which tells nothing of the data."""
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "something unforeseen went wrong; the server's log says what"
    )


def install(app: FastAPI) -> None:
    """Has every error of ``app`` told as a problem document."""
    app.add_exception_handler(CallstatsError, _ours)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
