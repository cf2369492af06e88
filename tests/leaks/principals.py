"""Who asks: people with and without rights, and the programs that come with a token of theirs."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission, User
from rest_framework.test import APIClient

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


def clients() -> Iterator[tuple[Principal, APIClient]]:
    """Yield everybody with a client of theirs."""
    for principal in PEOPLE:
        yield principal, principal.client()
