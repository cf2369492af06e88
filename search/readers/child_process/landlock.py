"""Leaves a process, and all that it forks, nothing of the file system but what it may read. Linux 5.13 and later.

Open descriptors stay usable. This also holds native code, that Python's audit hooks do not see. Where the kernel is
older or forbids it, nothing happens: other walls stand too.
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

# The numbers are the same on every architecture, and part of the kernel's ABI.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION, _PATH_BENEATH = 1, 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_RIGHTS_BY_VERSION = {1: 13, 2: 14, 3: 15, 4: 15}  # how many file system rights there are; 16 later
_NO_TCP = 0b11  # bind, connect
_NO_SIGNALS_NO_ABSTRACT_SOCKETS = 0b11  # beyond the processes that are restricted with it
_NET_SINCE, _SCOPES_SINCE = 4, 6


def restrict(readable: Iterable[Path], listable: Iterable[Path]) -> bool:
    """Allow reading below `readable` and listing folders below `listable`, nothing else; tell whether it holds."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < 1:
        return False
    attributes = _attributes(version)
    ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            _allow(libc, ruleset, path, _READ_FILE | (_READ_DIR if path.is_dir() else 0))
        for path in listable:
            _allow(libc, ruleset, path, _READ_DIR)
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _attributes(version: int) -> bytes:
    numbers = [(1 << _RIGHTS_BY_VERSION.get(version, 16)) - 1]
    if version >= _NET_SINCE:
        numbers.append(_NO_TCP)
    if version >= _SCOPES_SINCE:
        numbers.append(_NO_SIGNALS_NO_ABSTRACT_SOCKETS)
    return struct.pack(f"={len(numbers)}Q", *numbers)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there need not be read
    try:
        libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, folder), 0)
    finally:
        os.close(folder)
