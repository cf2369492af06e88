"""The embedded broker: kombu's filesystem transport, with messages that are whole or not there.

kombu creates a message's file before it writes into it. A worker that looks in between reads nothing, fails to
parse it, and ends; seen once in some thousand messages. Here a message is written under a name that nobody looks
for and then renamed, and one that cannot be parsed is dropped: messages are only hints (see search/tasks.py).
"""

import logging
import uuid
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.encoding import str_to_bytes
from kombu.utils.json import dumps

logger = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    """A channel whose messages appear in one step."""

    def _put(self, queue: str, payload: dict[str, Any], **kwargs: Any) -> None:  # type: ignore[override]
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        folder = Path(self.data_folder_out)
        scratch = folder / f".{name}.writing"
        try:
            scratch.write_bytes(str_to_bytes(dumps(payload)))
            scratch.replace(folder / name)
        except OSError as error:
            raise ChannelError(f"Cannot add a message to {folder}: {error.strerror}") from error

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        try:
            return super()._get(queue)
        except ValueError as error:
            logger.warning("A message in %s cannot be read and is dropped: %s", self.data_folder_in, error)
            raise Empty from error


class Transport(filesystem.Transport):
    """kombu's transport with that channel."""

    Channel = Channel
