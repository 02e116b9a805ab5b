"""What cannot be opened, a server that is not there, another one, and one that dies while it sends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import httpx2
import pyarrow as pa
import pytest

import callstats
from callstats.analysis import Analysis
from callstats.analysis.tables import TOLD
from callstats.errors import UsageError
from callstats.remote import RemoteError, RemoteSource


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("/no/such/place", "no such file"),
        ("http://example.org", "https://"),
        ("ftp://example.org", "no address of a server"),
    ],
)
def test_what_cannot_be_opened_is_told(where: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        callstats.open(where)


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "callstats.toml").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="load something first"):
        callstats.open(tmp_path, data=tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_server_that_is_not_there_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        callstats.open(f"http://127.0.0.1:{port}") as cs,
        pytest.raises(RemoteError, match="cannot be asked"),
    ):
        cs.metric("answered_share")


def of_another(handler: Callable[[httpx2.Request], httpx2.Response]) -> Analysis:
    return Analysis(RemoteSource("http://127.0.0.1:1", None, httpx2.MockTransport(handler)))


@pytest.mark.parametrize("ask", [lambda cs: cs.metrics, lambda cs: cs.window, lambda cs: cs.departments])
def test_a_page_in_place_of_an_answer_is_told(ask: Callable[[Analysis], object]) -> None:
    with of_another(lambda request: httpx2.Response(200, text="<html>")) as cs, pytest.raises(RemoteError):
        ask(cs)


@pytest.mark.parametrize("status", [200, 500])
def test_another_server_is_told(status: int) -> None:
    transport = httpx2.MockTransport(lambda request: httpx2.Response(status, text="<html>"))
    with Analysis(RemoteSource("http://127.0.0.1:1", None, transport)) as cs, pytest.raises(RemoteError):
        cs.visits.df()


def test_a_stream_that_breaks_off_is_no_short_table(tmp_path: Path) -> None:
    """A server that dies while it sends."""
    schema = TOLD["calls"].table.schema
    whole = pa.BufferOutputStream()
    with pa.ipc.new_stream(whole, schema) as stream:
        stream.write_table(schema.empty_table())
    sent = whole.getvalue().to_pybytes()[:-8]  # without its end

    def serve(listening: socket.socket) -> None:
        peer, _ = listening.accept()
        with peer:
            peer.recv(65536)
            head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            peer.sendall(head.encode() + f"{len(sent):x}\r\n".encode() + sent + b"\r\n")

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        with (
            callstats.open(f"http://127.0.0.1:{listening.getsockname()[1]}") as cs,
            pytest.raises(RemoteError),
        ):
            cs.calls.df()
        thread.join()
