"""Who may do what through the API, and which documents they may read.

Reading follows the installation's setting for searching; writing needs Django's model permission. What a
person may not see is absent (404), never forbidden (403): a refusal would tell that it exists.
"""

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Group
from django.db.models import Prefetch
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from search.conf import conf
from search.ingestion.document_writes import Rights
from search.models import Document
from search.models.corpus import DocumentQuerySet

User = AbstractBaseUser | AnonymousUser
_ACTIONS = {"POST": ("add",), "PUT": ("change",), "PATCH": ("change",), "DELETE": ("delete",)}


class MayRead(BasePermission):
    """Everyone where searching is public, otherwise whoever is authenticated."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return conf().PUBLIC_SEARCH or request.user.is_authenticated


class MayReadAndWrite(MayRead):
    """Reading as MayRead; writing with one of the permissions on the view's `permission_model`.

    A view whose method both creates and replaces names them in `write_actions` and decides by itself
    which of them the case needs.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        method = request.method or ""
        if method in SAFE_METHODS:
            return super().has_permission(request, view)
        if method not in _ACTIONS:
            return True  # no view has such a method: it answers 405
        special: dict[str, tuple[str, ...]] = getattr(view, "write_actions", {})
        actions = special.get(method) or _ACTIONS[method]
        options = getattr(view, "permission_model")._meta  # noqa: B009
        return any(request.user.has_perm(f"{options.app_label}.{action}_{options.model_name}") for action in actions)


class MayViewIndexVersions(BasePermission):
    """Index versions are for those who run the installation."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user.has_perm("search.view_indexversion")


class MaySteerIndexVersions(BasePermission):
    """Reading as MayViewIndexVersions; acting on a version needs the view's `action_permission`, too."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        needed = [] if request.method in SAFE_METHODS else [getattr(view, "action_permission")]  # noqa: B009
        return request.user.has_perms(["search.view_indexversion", *needed])


class MayRebuild(BasePermission):
    """A new version is asked for by whoever may change the collection."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user.has_perm("search.change_collection")


_IMPORTING = ("search.add_importjob", "search.add_document", "search.change_document")


class MayViewImports(BasePermission):
    """An import shows drafts and whole rows, so it is for those who import, or were allowed to look at imports."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.user.has_perm("search.view_importjob") or request.user.has_perms(_IMPORTING)


class MayImport(MayViewImports):
    """Reading as MayViewImports; acting needs what an import does: adding imports, adding and changing documents."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.method in SAFE_METHODS:
            return super().has_permission(request, view)
        if request.method == "DELETE":
            return request.user.has_perm("search.delete_importjob")
        return request.user.has_perms(_IMPORTING)


class MayEvaluate(BasePermission):
    """Judging shows documents to those who judge; a set that guards the gate decides what goes live."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        action = "view" if request.method in SAFE_METHODS else "delete" if request.method == "DELETE" else "change"
        return request.user.has_perm(f"search.{action}_evaluationqueryset")


class MayCurate(BasePermission):
    """Rules and synonyms are for those who have the admin's permissions on the view's `permission_model`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.method in SAFE_METHODS:
            return any(_has(request, view, action) for action in ("view", "change"))
        return all(_has(request, view, action) for action in _ACTIONS.get(request.method or "", ()))


class MayTry(BasePermission):
    """As in the admin: a new entry is tried by who may make one, a changed one by who may change it."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return _has(request, view, "change" if "pk" in view.kwargs else "add")


def _has(request: Request, view: APIView, action: str) -> bool:
    options = getattr(view, "permission_model")._meta  # noqa: B009
    return request.user.has_perm(f"{options.app_label}.{action}_{options.model_name}")


def may_override_gate(user: User) -> bool:
    """Tell whether `user` may activate a version that its gate refuses."""
    return _may(user, "search.override_gate")


def document_rights(user: User) -> Rights:
    """Return what `user` may do with documents."""
    return Rights(create=_may(user, "search.add_document"), replace=_may(user, "search.change_document"))


def reads_everything(user: User) -> bool:
    """True for those who may read every document, drafts included. As in the admin, who may change may view."""
    return _may(user, "search.view_document") or _may(user, "search.change_document")


def readable_documents(user: User) -> DocumentQuerySet:
    """Return the documents that `user` may read, ready to be shown."""
    documents = Document.objects.all() if reads_everything(user) else Document.objects.visible_to(user)
    return showable(documents, user)


def showable(documents: DocumentQuerySet, user: User) -> DocumentQuerySet:
    """Return `documents` with what an answer shows of them; of their groups, those that concern `user`."""
    groups = Group.objects.order_by("name")
    if not reads_everything(user):
        groups = groups.filter(user=user.pk)
    return documents.select_related("collection").prefetch_related(Prefetch("groups", queryset=groups))


def _may(user: User, permission: str) -> bool:
    return bool(user.has_perm(permission))  # type: ignore[union-attr]
