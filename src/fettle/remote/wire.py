"""One request to the server: retried where that is safe, its errors turned back into ours."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from fettle.core import canonical
from fettle.core.errors import FettleError, Unavailable, from_dict
from fettle.core.urls import shown

_TRIES = 4


class Wire:
    """A connection to one server. Safe to use from many threads.

    Args:
        url: The server, without a path.
        token: Sent as a bearer token; empty: none.
    """

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.url = url.rstrip("/")
        self._client = httpx.Client(base_url=self.url, headers=headers, timeout=httpx.Timeout(60, connect=5))

    def send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a request that may be repeated: it is tried again when the connection breaks.

        Raises:
            Unavailable: The server cannot be reached.
            FettleError: The error that the server answered.
        """
        last: Exception | None = None
        for attempt in range(_TRIES):
            try:
                answer = self._client.request(method, path, content=content, headers=headers, params=params)
            except httpx.TransportError as error:
                last = error
                time.sleep(0.05 * 4**attempt)
                continue
            if answer.is_error:
                raise self._error(answer)
            return answer
        raise self._unreachable(last) from last

    def send_stream(
        self, method: str, path: str, content: Iterator[bytes], headers: Mapping[str, str]
    ) -> httpx.Response:
        """Send a body that can be read only once, so without a second try."""
        try:
            answer = self._client.request(method, path, content=content, headers=headers)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        if answer.is_error:
            raise self._error(answer)
        return answer

    @contextmanager
    def stream(self, path: str) -> Iterator[httpx.Response]:
        """Receive an answer piece by piece."""
        try:
            with self._client.stream("GET", path) as answer:
                if answer.is_error:
                    answer.read()
                    raise self._error(answer)
                yield answer
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def close(self) -> None:
        self._client.close()

    def _error(self, answer: httpx.Response) -> FettleError:
        try:
            fields: Any = canonical.decode(answer.content)
        except ValueError:
            fields = None
        if isinstance(fields, dict) and isinstance(fields.get("error"), dict):
            return from_dict(fields["error"], status=answer.status_code)
        return Unavailable(
            f"{shown(self.url)} does not answer as a fettle server.",
            found=f"HTTP {answer.status_code} from {answer.request.url.path}",
            hint="Check the address of the workspace.",
        )

    def _unreachable(self, error: Exception | None) -> Unavailable:
        return Unavailable(
            f"The workspace at {shown(self.url)} cannot be reached.",
            found=str(error) or type(error).__name__,
            hint="Is the server running? Start one with `fettle ui`.",
        )
