"""The name of what a document is at a moment, so that nobody overwrites a change that they have not seen.

It covers what people edit: the content, by the row's revision, and what no revision counts (groups, anchors). Where a
document is on its way into the index changes without it. Reads only.
"""

import hashlib
import json
from collections.abc import Iterable

from search.models import Document


def state_tag(document: Document, group_ids: Iterable[int] | None = None) -> str:
    """Return 16 hexadecimal digits; `group_ids` where they have been read already."""
    if group_ids is None:
        members = Document.groups.through.objects.filter(document=document.pk)
        group_ids = members.values_list("group_id", flat=True)
    state = [document.pk, document.revision, sorted(group_ids), document.anchors]
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()[:16]
