"""The three roles that an installation begins with, as groups with permissions. Never takes away what people changed.

`ensure_roles` runs after every `migrate`: it makes the groups that are not there, and leaves those that are as they
are. Who works in the admin needs `is_staff` besides.
"""

from collections.abc import Mapping

from django.contrib.auth.models import Group, Permission

ACTIONS = ("view", "add", "change", "delete")


def _all(*models: str) -> frozenset[str]:
    return frozenset(f"{action}_{model}" for model in models for action in ACTIONS)


_OWN_TOKENS = frozenset({"view_apitoken", "add_apitoken", "change_apitoken", "delete_apitoken"})
_READ = frozenset(
    f"view_{model}"
    for model in (
        "collection", "document", "indexversion", "curationrule", "synonymset", "evaluationqueryset", "evaluationquery",
        "judgment", "evaluationrun",
    )
)  # fmt: skip
_CURATE = (
    _all("document", "importjob", "curationrule", "synonymset", "evaluationqueryset", "evaluationquery", "judgment")
    | _all("evaluationrun")
    | {"view_duplicatepair", "change_duplicatepair", "view_searchlog", "view_pendingchange", "change_pendingchange"}
    | {"view_bulkchange"}
)
_OPERATE = _all("collection", "indexversion") | {"override_gate", "delete_searchlog"}

VIEWER, CURATOR, OPERATOR = "Viewer", "Curator", "Operator"
ROLES: Mapping[str, frozenset[str]] = {
    VIEWER: _READ | _OWN_TOKENS,
    CURATOR: _READ | _OWN_TOKENS | _CURATE,
    OPERATOR: _READ | _OWN_TOKENS | _CURATE | _OPERATE,
}
"""What each role may do, as code names of this application's permissions; each may all that the one before it may."""


def ensure_roles(using: str) -> None:
    """Make the groups that do not exist, with their permissions."""
    groups = Group.objects.using(using)
    missing = set(ROLES) - set(groups.filter(name__in=ROLES).values_list("name", flat=True))
    for name in sorted(missing):
        granted = Permission.objects.using(using).filter(content_type__app_label="search", codename__in=ROLES[name])
        groups.create(name=name).permissions.set(granted)
