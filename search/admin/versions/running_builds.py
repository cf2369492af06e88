"""What the worker is building right now, for the admin's first page. Reads only."""

from dataclasses import dataclass

from search.admin import addresses
from search.indexing.version_progress import Phase, VersionProgress, version_progresses
from search.models import IndexVersion

_MOST = 20


@dataclass(frozen=True, slots=True)
class RunningBuild:
    """A version that is being worked on."""

    version: IndexVersion
    progress: VersionProgress
    url: str


def running_builds() -> list[RunningBuild]:
    """Return versions that are being built, and live ones that are being filled or written anew; newest first.

    A live version that applies a few saves is no build.
    """
    fed = IndexVersion.objects.fed().select_related("collection").order_by("-pk")
    versions = list(fed)
    progresses = version_progresses(versions)
    running = [
        RunningBuild(version, progresses[version.pk], addresses.index_version(version))
        for version in versions
        if _is_build(version, progresses[version.pk])
    ]
    return running[:_MOST]


def _is_build(version: IndexVersion, progress: VersionProgress) -> bool:
    if not progress.moving:
        return False
    first_fill = version.ready_at is None and progress.phase in (Phase.QUEUEING, Phase.DOCUMENTS)
    return version.state != IndexVersion.State.ACTIVE or bool(version.step) or first_fill
