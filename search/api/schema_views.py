"""The schema and its page, with the policy that every address of the API declares."""

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from .token_policies import TokenPolicy, in_view


class SchemaView(SpectacularAPIView):
    """The schema, for any token that works."""

    token_policy = TokenPolicy({"GET": None}, in_view)


class DocsView(SpectacularSwaggerView):
    """The schema as a page, for any token that works."""

    token_policy = TokenPolicy({"GET": None}, in_view)
