"""Archives made to do harm, and broken ones."""

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable

from .hostile import Hostile

_SOUND = ("sound.txt", b"A sound file beside it.\n")


def _noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    """Return a ZIP archive of these entries, and a sound one behind them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (*entries, _SOUND):
            archive.writestr(name, content)
    return out.getvalue()


def zip_entry(name: str, mode: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = mode << 16
    return info


def patched(content: bytes, signature: bytes, offset: int, value: bytes) -> bytes:
    """Return a ZIP archive with some bytes of its first header of this kind replaced."""
    at = content.index(signature) + offset
    return content[:at] + value + content[at + len(value) :]


_LOCAL, _CENTRAL = b"PK\x03\x04", b"PK\x01\x02"


def zip_bomb() -> bytes:
    return zipped(("zeros.txt", bytes(60 << 20)))


def zip_of_bombs() -> bytes:
    inner = zip_bomb()
    return zipped(*((f"inner{number}.zip", inner) for number in range(3)))


def zip_total_bomb() -> bytes:
    """Many entries, each below what one may have."""
    page = bytes(9 << 20)
    return zipped(*((f"{number}.txt", page) for number in range(30)))


def zip_overlapping() -> bytes:
    """One packed entry that fifty names point to."""
    once = zipped(("a.txt", b"x" * 100_000))
    start = once.index(_CENTRAL)
    entry = once[start : once.index(_CENTRAL, start + 4)]
    return _with_directory(once[:start], entry * 50, 50)


def _with_directory(body: bytes, directory: bytes, count: int) -> bytes:
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + end


def zip_encrypted() -> bytes:
    content = zipped(("secret.txt", b"hidden"))
    return patched(patched(content, _LOCAL, 6, b"\x01\x00"), _CENTRAL, 8, b"\x01\x00")


def zip_lie_of_size() -> bytes:
    return patched(zipped(("huge.txt", b"tiny")), _CENTRAL, 24, struct.pack("<L", 0xFFFFFFF0))


def zip_large_lie() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("huge.txt", "tiny")
        archive.filelist[0].file_size = 10 << 30
        archive.writestr(*_SOUND)
    return out.getvalue()


def zip_understated() -> bytes:
    return patched(zipped(("more.txt", b"x" * 5_000_000)), _CENTRAL, 24, struct.pack("<L", 5))


def zip_overstated() -> bytes:
    return patched(zipped(("less.txt", b"tiny text")), _CENTRAL, 24, struct.pack("<L", 5_000))


def zip_wrong_checksum() -> bytes:
    return patched(zipped(("changed.txt", b"some text")), _CENTRAL, 16, b"\0\0\0\0")


def zip_unknown_method() -> bytes:
    content = zipped(("odd.txt", b"some text"))
    return patched(patched(content, _LOCAL, 8, b"\x63\x00"), _CENTRAL, 10, b"\x63\x00")


def zip_two_names() -> bytes:
    return patched(zipped(("a-name.txt", b"some text")), _LOCAL, 30, b"another.tx")


def zip_many() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(2_001):
            archive.writestr(str(number), b"")
    return out.getvalue()


def zip_lie_of_count() -> bytes:
    """The end of the archive says that its directory has four billion bytes."""
    content = zipped()
    at = content.index(b"PK\x05\x06") + 12
    return content[:at] + b"\xff\xff\xff\x7f" + content[at + 4 :]


def zip_undecodable_name() -> bytes:
    return zipped(("name.txt", b"Some text.")).replace(b"name.txt", b"n\xe4m\xff.txt")


def tarred(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Return a TAR archive of these entries, and a sound one behind them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for info, content in (*entries, (tar_entry(_SOUND[0], size=len(_SOUND[1])), _SOUND[1])):
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def tar_entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    return info


def tar_bomb(packer: Callable[[bytes], bytes]) -> bytes:
    size = 60 << 20
    return packer(tarred((tar_entry("zeros.txt", size=size), bytes(size))))


def tar_lie_of_size() -> bytes:
    return tarfile.TarInfo.tobuf(tar_entry("huge.txt", size=10 << 30), tarfile.GNU_FORMAT) + b"tiny".ljust(512, b"\0")


def tar_long_lie() -> bytes:
    return tarfile.TarInfo.tobuf(tar_entry("long.txt", size=3 << 20), tarfile.GNU_FORMAT) + b"tiny".ljust(512, b"\0")


def tar_broken_in_the_middle() -> bytes:
    content = bytearray(
        tarred((tar_entry("first.txt", size=5), b"first"), (tar_entry("second.txt", size=6), b"second"))
    )
    content[1024:1100] = b"\xff" * 76
    return bytes(content)


def tar_sparse() -> bytes:
    """A GNU sparse file of 8 GB with one byte in it."""
    header = bytearray(tarfile.TarInfo.tobuf(tar_entry("sparse.txt", size=512), tarfile.GNU_FORMAT))
    header[156:157] = b"S"
    header[386:410] = b"00000000000\x0000000001000\x00"
    header[483:495] = b"77777777777\x00"
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header) + b"x".ljust(512, b"\0") + tarred()


def tar_of_headers() -> bytes:
    """An extended header as large as a file may be."""
    size = 6 << 20
    info = tar_entry("pax", tarfile.XHDTYPE, size=size)
    return tarfile.TarInfo.tobuf(info, tarfile.GNU_FORMAT) + b"9 a=aaaa\n" * (size // 9) + bytes(4096)


_TIMES = r"(?i)\d times its size.* made to do harm"

FILES = (
    Hostile("a ZIP bomb", "bomb.zip", zip_bomb, _TIMES, "entry"),
    Hostile("ZIP bombs in a ZIP archive", "nested.zip", zip_of_bombs, _TIMES, "entry"),
    Hostile("a ZIP bomb of many entries", "bombs.zip", zip_total_bomb, "This archive unpacks to more than 200 times"),
    Hostile("entries over each other", "overlap.zip", zip_overlapping, "lie over each other"),
    Hostile("a path out of the archive", "up.zip", lambda: zipped(("../../etc/cron.d/x", b"x")), "leads out", "entry"),
    Hostile("one with backslashes", "up2.zip", lambda: zipped((r"..\..\x.txt", b"x")), "leads out", "entry"),
    Hostile("one in the middle", "up3.zip", lambda: zipped(("a/../../x.txt", b"x")), "leads out", "entry"),
    Hostile("an absolute path", "root.zip", lambda: zipped(("/etc/passwd.txt", b"x")), "absolute path", "entry"),
    Hostile("a path of a drive", "drive.zip", lambda: zipped((r"C:\x.txt", b"x")), "absolute path", "entry"),
    Hostile("a path of a host", "host.zip", lambda: zipped((r"\\host\x.txt", b"x")), "absolute path", "entry"),
    Hostile("a symbolic link in a ZIP archive", "link.zip",
            lambda: zipped((zip_entry("link.txt", 0o120777), b"/etc/passwd")), "symbolic link", "entry"),
    Hostile("a pipe in a ZIP archive", "pipe.zip",
            lambda: zipped((zip_entry("pipe.txt", 0o010644), b"")), "device or a pipe", "entry"),
    Hostile("an encrypted entry", "locked.zip", zip_encrypted, "protected with a password", "entry"),
    Hostile("10 GB by its header", "huge.zip", zip_large_lie, "unpacks to 10,737,418,240 bytes", "entry"),
    Hostile("nearly 4 GB by its header", "lie.zip", zip_lie_of_size, "says that it has 4,294,967,280 bytes", "entry"),
    Hostile("more than its header says", "more.zip", zip_understated, "damaged in the archive", "entry"),
    Hostile("less than its header says", "less.zip", zip_overstated, r"says that it has 5,000 bytes, but", "entry"),
    Hostile("a wrong checksum", "crc.zip", zip_wrong_checksum, "damaged in the archive", "entry"),
    Hostile("an unknown compression", "odd.zip", zip_unknown_method, "damaged in the archive", "entry"),
    Hostile("two names for one entry", "names.zip", zip_two_names, "damaged in the archive", "entry"),
    Hostile("too many entries", "many.zip", zip_many, r"more than 2,000 entries"),
    Hostile("a directory of 2 GB by its end", "end.zip", zip_lie_of_count, "archive is damaged"),
    Hostile("half a ZIP archive", "half.zip", lambda: zipped(("a.txt", b"x" * 500))[:150], "archive is damaged"),
    Hostile("a ZIP archive without entries", "none.zip", lambda: b"PK\x05\x06" + bytes(18), "nothing in this archive"),
    Hostile("control characters in a name", "control.zip",
            lambda: zipped(("a\x01\x1b[2J\u202etxt.txt", b"Some text.")), at="nothing", never="\x1b"),
    Hostile("a name of 60,000 characters", "long.zip", lambda: zipped(("x" * 60_000 + ".txt", b"Some text.")),
            at="nothing"),
    Hostile("a name in no encoding", "cp.zip", zip_undecodable_name, at="nothing"),
    Hostile("a symbolic link", "link.tar",
            lambda: tarred((tar_entry("x.txt", tarfile.SYMTYPE, "/etc/passwd"), b"")), "symbolic link", "entry"),
    Hostile("a hard link", "hard.tar",
            lambda: tarred((tar_entry("x.txt", tarfile.LNKTYPE, "/etc/passwd"), b"")), "hard link", "entry"),
    Hostile("a device", "device.tar", lambda: tarred((tar_entry("x.txt", tarfile.CHRTYPE), b"")), "a device", "entry"),
    Hostile("a pipe", "pipe.tar", lambda: tarred((tar_entry("x.txt", tarfile.FIFOTYPE), b"")), "a pipe", "entry"),
    Hostile("a path out of a TAR archive", "up.tar",
            lambda: tarred((tar_entry("../../x.txt", size=1), b"x")), "leads out", "entry"),
    Hostile("an absolute path in a TAR archive", "root.tar",
            lambda: tarred((tar_entry("/etc/x.txt", size=1), b"x")), "absolute path", "entry"),
    Hostile("a sparse file of 8 GB", "sparse.tar", tar_sparse, "sparse file", "entry"),
    Hostile("10 GB by its header", "lie.tar", tar_lie_of_size, "damaged|10,737,418,240 bytes"),
    Hostile("more by its header than there is", "short.tar", tar_long_lie, "archive is damaged"),
    Hostile("a GZIP bomb", "bomb.tar.gz", lambda: tar_bomb(gzip.compress), _TIMES),
    Hostile("a BZIP2 bomb", "bomb.tar.bz2", lambda: tar_bomb(bz2.compress), _TIMES),
    Hostile("an XZ bomb", "bomb.tar.xz", lambda: tar_bomb(lzma.compress), _TIMES),
    Hostile("half a compressed archive", "half.tgz",
            lambda: gzip.compress(tarred((tar_entry("a.txt", size=9_000), _noise(9_000))))[:5_000],
            "archive is damaged"),
    Hostile("a broken header in the middle", "broken.tar", tar_broken_in_the_middle, "archive is damaged"),
    Hostile("a header of 6 MB", "headers.tar", tar_of_headers, "archive is damaged"),
    Hostile("something compressed that is no TAR archive", "text.tar.gz",
            lambda: gzip.compress(b"no archive at all" * 100), "packed with gzip"),
)  # fmt: skip
