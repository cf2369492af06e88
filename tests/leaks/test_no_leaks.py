"""Nobody is told of a document that they may not see: by anybody, at any way out, however stale the index is."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from search.models import Collection, IndexVersion
from tests.index_versions import rebuilt
from tests.leaks.exits import EXITS, Exit, foreign_cursors, found, search
from tests.leaks.principals import ADMIN, FEW, PEOPLE, TOKENS, VISITOR, Principal, TokenBearer, clients
from tests.leaks.surroundings import addresses, surround
from tests.leaks.world import COLLECTIONS, World, drain, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    """Both collections, and everything around them that quotes them."""
    world = make_world()
    surround(world)
    return world


def fresh(world: World) -> None:
    """The index is as the database."""
    for name in world.of_kind("deleted"):
        world.delete(name)
    drain()


def stale(world: World) -> None:
    """The index holds what has been hidden, withdrawn, deleted, rewritten or given to others since."""
    for name in world.of_kind("demoted"):
        world.change(name, visibility="staff")
    for name in world.of_kind("withdrawn"):
        world.change(name, state="draft")
    for name in world.of_kind("archived"):
        world.change(name, state="published")
    for name in world.of_kind("deleted"):
        world.delete(name)
    for name in world.of_kind("sales"):
        world.regroup(name, frozenset({"legal"}))
    world.rewrite("handbook-both", "rewrittenq")


def mid_switch(world: World) -> None:
    """A new version has just gone live, built of what was there before the documents changed."""
    for slug in COLLECTIONS:
        rebuilt(Collection.objects.get(slug=slug))
    stale(world)
    assert IndexVersion.objects.active().filter(number=2).count() == len(COLLECTIONS)


Cast = tuple[Principal | TokenBearer, ...]
CASTS: tuple[tuple[Callable[[World], None], Cast], ...] = (
    (fresh, FEW),
    (stale, (*PEOPLE, *TOKENS)),
    (mid_switch, FEW),
)
SEARCH = next(way for way in EXITS if way.name == "hybrid_search")
NOT_YET_INDEXED = ("handbook-archived", "handbook-both")


def may_be_told(way: Exit, principal: Principal | TokenBearer, world: World) -> set[str]:
    """Return the names of the papers that a way out may tell somebody of."""
    if isinstance(principal, TokenBearer):
        reads = "documents:read", "index:manage"
        if not way.scope:  # a page, which takes no tokens
            return may_be_told(way, VISITOR, world)
        if not principal.may(*(("search:read", *reads) if way.scope == "*" else (way.scope,))):
            return set()
        rule = principal.finds if way.searching or not principal.may(*reads) else principal.reads
        works_on_documents = principal.owner.works_on_documents and principal.may(*reads)
    else:
        rule = principal.finds if way.searching else principal.reads
        works_on_documents = principal.works_on_documents
    allowed = {paper.name for paper in world.papers.values() if rule(paper)}
    if not way.searching and works_on_documents:
        allowed |= {f"{name} as it was" for name in world.old_canaries}  # by the history
    return allowed


def wrong(way: Exit, principal: Principal | TokenBearer, client: Client, world: World, state: str) -> list[str]:
    """Return what a way out tells somebody and must not, or does not tell and should."""
    told, allowed = way.told(client, world), may_be_told(way, principal, world)
    found_wrong = [f"{state}: {way.name} tells {principal.name} of {name}" for name in sorted(told - allowed)]
    if way.complete and not (way.of_both and isinstance(principal, TokenBearer) and principal.collections):
        not_yet = set(NOT_YET_INDEXED) if state != "fresh" and way.searching else set()
        missing = (allowed & set(world.papers)) - told - not_yet
        found_wrong += [f"{state}: {way.name} hides {name} from {principal.name}" for name in sorted(missing)]
    return found_wrong


@pytest.mark.parametrize(("bring_about", "cast"), CASTS, ids=lambda value: getattr(value, "__name__", ""))
def test_no_way_out_tells_anybody_of_what_they_may_not_see(
    bring_about: Callable[[World], None], cast: Cast, world: World
) -> None:
    bring_about(world)
    cases, leaks = 0, []
    for principal, client in clients(cast):
        for way in EXITS:
            leaks += wrong(way, principal, client, world, bring_about.__name__)
            cases += len(world.papers)
    print(f"\n{bring_about.__name__}: {cases} cases, {len(leaks)} wrong")  # noqa: T201
    assert not leaks, "\n".join(leaks)
    assert cases >= 2_000


def test_a_cursor_of_an_administrator_tells_nobody_else_anything(world: World) -> None:
    stale(world)
    cursors = list(foreign_cursors(ADMIN.client()))
    for principal, client in clients((*PEOPLE, *TOKENS)):
        allowed = may_be_told(SEARCH, principal, world)
        for cursor in cursors:
            assert world.told(found(search(client, k=2, cursor=cursor))) <= allowed, principal.name


def test_a_change_of_rights_acts_on_the_next_request(world: World) -> None:
    principal = Principal("changing", groups=frozenset({"sales"}))
    client = principal.client()
    user = User.objects.get(username="changing")
    papers = {"handbook-sales", "handbook-both"}

    def told() -> set[str]:
        names = {way.name: way.told(client, world) & papers for way in EXITS if way.complete}
        assert len(set(map(frozenset, names.values()))) == 1, names
        return next(iter(names.values()))

    assert told() == papers
    user.groups.clear()
    assert told() == set()
    user.groups.add(Group.objects.get(name="legal"))
    assert told() == {"handbook-both"}
    user.is_active = False
    user.save()
    assert told() == set()


def test_every_address_that_can_be_read_is_among_the_ways_out(world: World) -> None:
    known = set(addresses(world))

    assert len(known) > 60
    assert {"/api/v1/documents/1/", "/api/v1/collections/handbook/export.csv", "/api/v1/synonym-groups/"} <= known
