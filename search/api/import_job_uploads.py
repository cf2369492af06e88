"""Files that come with a request: streamed to the disk as they arrive, never held in memory.

They lie in unnamed temporary files of the data folder, so that a killed process leaves nothing behind.
"""

import errno
import tempfile
from collections.abc import Mapping
from typing import IO, Any, cast

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from search.conf import conf

from .exceptions import ContentTooLarge, DiskFull
from .json_reading import MalformedJson, parsed

_LISTS = ("files", "paths")
_JSON_FIELDS = ("mapping", "defaults")
MULTIPART = "multipart/form-data"


class MultipartParser(BaseParser):
    """`multipart/form-data` with files of any size; fields that hold JSON are read."""

    media_type = MULTIPART

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        request: Request = (parser_context or {})["request"]
        try:
            parser = MultiPartParser(request.META, cast(Any, stream), [_DiskUploadHandler()], "utf-8")
            fields, files = parser.parse()
        except MultiPartParserError as error:
            raise ParseError(_("The multipart body cannot be read: %s") % error) from error
        except TooManyFilesSent as error:
            raise ValidationError({"files": [_too_many()]}) from error
        except OSError as error:
            raise _storage_problem(error) from error
        return _values(request, fields, files)


def _values(request: Request, fields: Any, files: "MultiValueDict[str, UploadedFile[Any]]") -> dict[str, Any]:
    body: Any = request._request._stream  # Django's, which knows where it is and where it should end
    if body._pos < body.limit:
        raise ParseError(
            _("The body broke off after %(got)d of %(of)d bytes. Nothing was imported; send it again.")
            % {"got": body._pos, "of": body.limit}
        )
    values: dict[str, Any] = {name: fields[name] for name in fields if name not in _LISTS}
    values |= {name: files.getlist(name) for name in files}
    if "paths" in fields:
        values["paths"] = fields.getlist("paths")
    for name in _JSON_FIELDS:
        if name in values:
            values[name] = _json_field(name, values[name])
    return values


def _json_field(name: str, text: str) -> Any:
    try:
        return parsed(text)
    except MalformedJson as error:
        raise ValidationError({name: [str(error)]}) from None


class _DiskUploadHandler(FileUploadHandler):
    """Writes each file to the disk as it comes, up to the largest that an import takes."""

    chunk_size = 1024 * 1024

    def __init__(self) -> None:
        super().__init__()
        self._most_bytes = conf().IMPORT_MAX_FILE_MB << 20

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._file = tempfile.TemporaryFile(dir=conf().DATA_DIR)  # noqa: SIM115  closed with the request

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > self._most_bytes:
            self._file.close()
            raise ContentTooLarge(
                _("%(name)s has more than %(limit)d MB, the most an import takes. Split it.")
                % {"name": self.file_name, "limit": self._most_bytes >> 20}
            )
        self._file.write(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[Any]":
        self._file.seek(0)
        return UploadedFile(
            file=cast(Any, self._file), name=self.file_name, content_type=self.content_type, size=file_size
        )

    def upload_interrupted(self) -> None:
        self._file.close()


def _too_many() -> str:
    return _(
        "These are more files than one request takes (%d). Send a ZIP, or make the import with start=false, send the "
        "others to its own address for files, then start it."
    ) % (settings.DATA_UPLOAD_MAX_NUMBER_FILES or 0)


def _storage_problem(error: OSError) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(_("The files do not fit on this machine's disk. Make room, or send fewer."))
    return error
