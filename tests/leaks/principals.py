"""Who asks: people with and without rights, and the programs that come with a token of theirs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone
from rest_framework.test import APIClient

from search.access.scopes import Scope
from search.access.tokens import issue, revoke
from search.models import Collection
from tests.leaks.world import Paper

PASSWORD = "a-long-password"


@dataclass(frozen=True)
class Principal:
    """Somebody who asks, and what the rule of the house gives them."""

    name: str
    signed_in: bool = True
    staff: bool = False
    superuser: bool = False
    groups: frozenset[str] = frozenset()
    permissions: tuple[str, ...] = ()

    def finds(self, paper: Paper) -> bool:
        """Whether a search may tell of the paper."""
        if paper.state != "published":
            return False
        if self.superuser or paper.visibility == "public":
            return True
        if paper.visibility == "staff":
            return self.staff
        return bool(self.groups & paper.groups)

    @property
    def works_on_documents(self) -> bool:
        return self.superuser or bool({"view_document", "change_document"} & set(self.permissions))

    def reads(self, paper: Paper) -> bool:
        """Whether the paper itself may be read, drafts included where one may work on them."""
        return paper.state != "deleted" and (self.works_on_documents or self.finds(paper))

    def account(self) -> User | None:
        """Make the account that this principal has."""
        if not self.signed_in:
            return None
        user = User.objects.create_user(self.name, password=PASSWORD, is_staff=self.staff, is_superuser=self.superuser)
        user.groups.set(Group.objects.filter(name__in=self.groups))
        user.user_permissions.set(Permission.objects.filter(codename__in=self.permissions))
        return user

    def client(self) -> APIClient:
        """Return a client of the API and the pages that has signed in, if there is an account."""
        client = APIClient()
        user = User.objects.filter(username=self.name).first() or self.account()
        if user is not None:
            client.force_login(user)
        return client


@dataclass(frozen=True)
class TokenBearer:
    """A program with a token of somebody's: never more than its owner, its scopes and its collections allow."""

    name: str
    owner: Principal
    scopes: tuple[Scope, ...] = tuple(Scope)
    collections: frozenset[str] = frozenset()
    """Those that the token is limited to; none is no limit."""
    over: str = ""
    """Why the token does not work any more: "revoked", "expired", or "" for one that works."""

    def may(self, *scopes: str) -> bool:
        """Whether the token is good for any of `scopes`."""
        return not self.over and any(scope in self.scopes for scope in scopes)

    def finds(self, paper: Paper) -> bool:
        return self._reaches(paper) and self.owner.finds(paper)

    def reads(self, paper: Paper) -> bool:
        return self._reaches(paper) and self.owner.reads(paper)

    def _reaches(self, paper: Paper) -> bool:
        return not self.collections or paper.collection in self.collections

    def client(self) -> APIClient:
        """Return a client that has nothing but the token."""
        self.owner.client()
        issued = issue(
            User.objects.get(username=self.owner.name),
            self.name,
            self.scopes,
            collections=Collection.objects.filter(slug__in=self.collections),
            expires_at=timezone.now() - timedelta(seconds=1) if self.over == "expired" else None,
        )
        if self.over == "revoked":
            revoke(issued.token)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {issued.text}")
        return client


SALES, LEGAL = frozenset({"sales"}), frozenset({"legal"})
PEOPLE = (
    Principal("visitor", signed_in=False),
    Principal("outsider"),
    Principal("sales", groups=SALES),
    Principal("legal", groups=LEGAL),
    Principal("both", groups=SALES | LEGAL),
    Principal("staff", staff=True),
    Principal("staff-sales", staff=True, groups=SALES),
    Principal("editor", staff=True, permissions=("view_document", "change_document")),
    Principal("admin", staff=True, superuser=True),
)


NAMED = {principal.name: principal for principal in PEOPLE}
VISITOR, ADMIN, EDITOR = NAMED["visitor"], NAMED["admin"], NAMED["editor"]
HANDBOOK = frozenset({"handbook"})
TOKENS = (
    *(TokenBearer(f"admin's {scope}", ADMIN, (scope,)) for scope in Scope),
    TokenBearer("admin's for all", ADMIN),
    TokenBearer("admin's for the handbook", ADMIN, collections=HANDBOOK),
    TokenBearer("editor's for finance", EDITOR, collections=frozenset({"finance"})),
    TokenBearer("sales' for the handbook", NAMED["sales"], collections=HANDBOOK),
    TokenBearer("outsider's for all", NAMED["outsider"]),
    TokenBearer("admin's revoked", ADMIN, over="revoked"),
    TokenBearer("admin's expired", ADMIN, over="expired"),
)
FEW: tuple[Principal | TokenBearer, ...] = (
    *(NAMED[name] for name in ("visitor", "sales", "staff", "editor")),
    *(token for token in TOKENS if token.owner is not ADMIN or token.collections or token.over == "revoked"),
)
"""Who stands for everybody where the whole cast is asked elsewhere."""


def clients(
    principals: Sequence[Principal | TokenBearer] = PEOPLE,
) -> Iterator[tuple[Principal | TokenBearer, APIClient]]:
    """Yield each with a client of theirs."""
    for principal in principals:
        yield principal, principal.client()
