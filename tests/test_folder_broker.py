"""The embedded broker under load: every message arrives once and whole; a spoiled one stops nobody."""

import threading
import time
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection

from semsearch_project.folder_broker import Channel, Transport


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    (tmp_path / "control").mkdir()
    options = {
        "data_folder_in": str(tmp_path),
        "data_folder_out": str(tmp_path),
        "control_folder": tmp_path / "control",
    }
    return Connection("filesystem://localhost//", transport_options=options)


def channel_of(connection: Connection) -> Channel:
    channel = connection.channel()
    assert isinstance(channel, Channel)
    return channel


def receive(connection: Connection, wanted: int, seconds: float = 60) -> list[Any]:
    """Take messages until there are `wanted` of them."""
    found: list[Any] = []
    channel, begun = channel_of(connection), time.monotonic()
    while len(found) < wanted and time.monotonic() - begun < seconds:
        try:
            found.append(channel._get("celery")["body"])
        except Empty:
            time.sleep(0.001)
    return found


def test_the_projects_connections_use_it(connection: Connection) -> None:
    assert isinstance(connection.transport, Transport)


def test_messages_that_are_written_while_others_read_arrive_once_and_whole(connection: Connection) -> None:
    def send(first: int) -> None:
        channel = channel_of(connection)
        for number in range(first, first + 500):
            channel._put("celery", {"body": number})

    senders = [threading.Thread(target=send, args=(first,)) for first in (0, 500)]
    for sender in senders:
        sender.start()
    found = receive(connection, 1_000)
    for sender in senders:
        sender.join()
    assert sorted(found) == list(range(1_000))


def test_a_spoiled_message_is_dropped_and_the_next_one_delivered(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "0_spoiled.celery.msg").write_bytes(b"")
    channel_of(connection)._put("celery", {"body": "whole"})
    assert receive(connection, 1) == ["whole"]
    assert not list(tmp_path.glob("*.msg"))
