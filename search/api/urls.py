"""The addresses of the REST API. Whatever else is asked for below /api/ is a problem answer, too."""

from django.urls import path, re_path, register_converter

from .bulk_change_views import BulkChangesView, BulkChangeView, CancelBulkChangeView, ChangeDocumentsView
from .bulk_views import BulkView
from .chunk_preview_views import ChunkPreviewView
from .collection_views import CollectionsView, CollectionView
from .curation_views import (
    CurationRulesView,
    CurationRuleView,
    SynonymGroupsView,
    SynonymGroupView,
    TryGroupView,
    TryNewGroupView,
    TryNewRuleView,
    TryRuleView,
)
from .document_views import DocumentsView, DocumentView
from .duplicate_views import DuplicatesView, DuplicateView, FindDuplicatesView
from .evaluation_run_views import (
    CancelRunView,
    CompareRunsView,
    RescoreRunView,
    RunQueriesView,
    RunsView,
    RunView,
)
from .evaluation_views import JudgmentsView, PoolView, QueriesView, QuerySetsView, QuerySetView
from .explain_views import ExplainView
from .export_views import ExportBundleView, ExportCsvView, ExportJsonlView
from .external_document_views import ExternalDocumentView
from .feedback_views import FeedbackView
from .import_job_actions import CancelImportView, PreviewImportView, RetryImportView, StartImportView
from .import_job_failures import (
    DismissFailureView,
    ImportFailuresFileView,
    ImportFailuresView,
    ImportFailureView,
    MendFailureView,
)
from .import_job_views import ImportFilesView, ImportJobsView, ImportJobView
from .index_check_views import IndexCheckView
from .index_version_actions import ActivateView, CancelView, MissedView, PruneView, RebuildView, RollBackView
from .index_version_views import IndexVersionsView, IndexVersionView
from .judgment_export_views import JudgmentsJsonlView, JudgmentsQrelsView
from .learning_views import LearnWeightsView
from .own_account_views import MeView, MyTokenView, RotateMyTokenView
from .pending_change_views import PendingChangesView, RetryPendingView
from .problems import no_such_address
from .revision_views import RestoreView, RevisionsView, RevisionView
from .schema_views import DocsView, SchemaView
from .search_log_views import SearchLogView, SearchReportView
from .search_views import SearchView
from .similar_views import SimilarToDocumentView, SimilarToTextView
from .status_views import StatusView
from .suggest_views import SuggestView


class ExternalIdConverter:
    """Any text, slashes and line ends included: the identity is another system's."""

    regex = r"[\s\S]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(ExternalIdConverter, "external_id")

app_name = "api"
urlpatterns = [
    path("v1/search/", SearchView.as_view(), name="search"),
    path("v1/search/explain/", ExplainView.as_view(), name="search-explain"),
    path("v1/search/similar/", SimilarToTextView.as_view(), name="search-similar"),
    path("v1/search/suggest/", SuggestView.as_view(), name="search-suggest"),
    path("v1/search/feedback/", FeedbackView.as_view(), name="search-feedback"),
    path("v1/collections/", CollectionsView.as_view(), name="collections"),
    path("v1/collections/<slug:slug>/", CollectionView.as_view(), name="collection"),
    path("v1/collections/<slug:slug>/export.jsonl", ExportJsonlView.as_view(), name="export-jsonl"),
    path("v1/collections/<slug:slug>/export.csv", ExportCsvView.as_view(), name="export-csv"),
    path("v1/collections/<slug:slug>/export.zip", ExportBundleView.as_view(), name="export-bundle"),
    path("v1/collections/<slug:slug>/documents/bulk/", BulkView.as_view(), {"external_id": "bulk"}, name="bulk"),
    path("v1/collections/<slug:slug>/bulk-changes/", ChangeDocumentsView.as_view(), name="change-documents"),
    path("v1/collections/<slug:slug>/index-versions/", RebuildView.as_view(), name="rebuild"),
    path("v1/collections/<slug:slug>/chunks/preview/", ChunkPreviewView.as_view(), name="chunks-preview"),
    path("v1/collections/<slug:slug>/duplicates/", FindDuplicatesView.as_view(), name="find-duplicates"),
    path("v1/collections/<slug:slug>/search-report/", SearchReportView.as_view(), name="search-report"),
    path(
        "v1/collections/<slug:slug>/documents/<external_id:external_id>/",
        ExternalDocumentView.as_view(),
        name="external-document",
    ),
    path("v1/documents/", DocumentsView.as_view(), name="documents"),
    path("v1/documents/<int:pk>/", DocumentView.as_view(), name="document"),
    path("v1/documents/<int:pk>/similar/", SimilarToDocumentView.as_view(), name="document-similar"),
    path("v1/documents/<int:pk>/revisions/", RevisionsView.as_view(), name="document-revisions"),
    path("v1/documents/<int:pk>/revisions/<int:revision>/", RevisionView.as_view(), name="document-revision"),
    path("v1/documents/<int:pk>/revisions/<int:revision>/restore/", RestoreView.as_view(), name="document-restore"),
    path("v1/duplicates/", DuplicatesView.as_view(), name="duplicates"),
    path("v1/duplicates/<int:pk>/", DuplicateView.as_view(), name="duplicate"),
    path("v1/bulk-changes/", BulkChangesView.as_view(), name="bulk-changes"),
    path("v1/bulk-changes/<int:pk>/", BulkChangeView.as_view(), name="bulk-change"),
    path("v1/bulk-changes/<int:pk>/cancel/", CancelBulkChangeView.as_view(), name="bulk-change-cancel"),
    path("v1/pending-changes/", PendingChangesView.as_view(), name="pending-changes"),
    path("v1/pending-changes/retry/", RetryPendingView.as_view(), name="pending-changes-retry"),
    path("v1/status/", StatusView.as_view(), name="status"),
    path("v1/search-log/", SearchLogView.as_view(), name="search-log"),
    path("v1/index-versions/", IndexVersionsView.as_view(), name="index-versions"),
    path("v1/index-versions/<int:pk>/", IndexVersionView.as_view(), name="index-version"),
    path("v1/index-versions/<int:pk>/activate/", ActivateView.as_view(), name="activate"),
    path("v1/index-versions/<int:pk>/roll-back/", RollBackView.as_view(), name="roll-back"),
    path("v1/index-versions/<int:pk>/missed/", MissedView.as_view(), name="missed"),
    path("v1/index-versions/<int:pk>/cancel/", CancelView.as_view(), name="cancel"),
    path("v1/index-versions/<int:pk>/check/", IndexCheckView.as_view(), name="check"),
    path("v1/index-versions/<int:pk>/prune/", PruneView.as_view(), name="prune"),
    path("v1/evaluation/query-sets/", QuerySetsView.as_view(), name="query-sets"),
    path("v1/evaluation/query-sets/<int:pk>/", QuerySetView.as_view(), name="query-set"),
    path("v1/evaluation/query-sets/<int:pk>/queries/", QueriesView.as_view(), name="query-set-queries"),
    path("v1/evaluation/query-sets/<int:pk>/learn-weights/", LearnWeightsView.as_view(), name="learn-weights"),
    path(
        "v1/evaluation/query-sets/<int:pk>/judgments.jsonl",
        JudgmentsJsonlView.as_view(),
        name="query-set-judgments_jsonl",
    ),
    path(
        "v1/evaluation/query-sets/<int:pk>/judgments.qrels",
        JudgmentsQrelsView.as_view(),
        name="query-set-judgments_qrels",
    ),
    path("v1/evaluation/queries/<int:pk>/judgments/", JudgmentsView.as_view(), name="judgments"),
    path("v1/evaluation/queries/<int:pk>/pool/", PoolView.as_view(), name="pool"),
    path("v1/evaluation/runs/", RunsView.as_view(), name="runs"),
    path("v1/evaluation/runs/<int:pk>/", RunView.as_view(), name="run"),
    path("v1/evaluation/runs/<int:pk>/cancel/", CancelRunView.as_view(), name="run-cancel"),
    path("v1/evaluation/runs/<int:pk>/rescore/", RescoreRunView.as_view(), name="run-rescore"),
    path("v1/evaluation/runs/<int:pk>/queries/", RunQueriesView.as_view(), name="run-queries"),
    path("v1/evaluation/runs/<int:pk>/compare/<int:other>/", CompareRunsView.as_view(), name="run-compare"),
    path("v1/curation-rules/", CurationRulesView.as_view(), name="curation-rules"),
    path("v1/curation-rules/try/", TryNewRuleView.as_view(), name="curation-rules-try"),
    path("v1/curation-rules/<int:pk>/", CurationRuleView.as_view(), name="curation-rule"),
    path("v1/curation-rules/<int:pk>/try/", TryRuleView.as_view(), name="curation-rule-try"),
    path("v1/synonym-groups/", SynonymGroupsView.as_view(), name="synonym-groups"),
    path("v1/synonym-groups/try/", TryNewGroupView.as_view(), name="synonym-groups-try"),
    path("v1/synonym-groups/<int:pk>/", SynonymGroupView.as_view(), name="synonym-group"),
    path("v1/synonym-groups/<int:pk>/try/", TryGroupView.as_view(), name="synonym-group-try"),
    path("v1/import-jobs/", ImportJobsView.as_view(), name="import-jobs"),
    path("v1/import-jobs/<int:pk>/", ImportJobView.as_view(), name="import-job"),
    path("v1/import-jobs/<int:pk>/files/", ImportFilesView.as_view(), name="import-job-files"),
    path("v1/import-jobs/<int:pk>/preview/", PreviewImportView.as_view(), name="import-job-preview"),
    path("v1/import-jobs/<int:pk>/start/", StartImportView.as_view(), name="import-job-start"),
    path("v1/import-jobs/<int:pk>/cancel/", CancelImportView.as_view(), name="import-job-cancel"),
    path("v1/import-jobs/<int:pk>/retry/", RetryImportView.as_view(), name="import-job-retry"),
    path("v1/import-jobs/<int:pk>/failures/", ImportFailuresView.as_view(), name="import-job-failures"),
    path("v1/import-jobs/<int:pk>/failures.jsonl", ImportFailuresFileView.as_view(), name="import-job-failures_jsonl"),
    path("v1/import-jobs/<int:pk>/failures/<int:failure_id>/", ImportFailureView.as_view(), name="import-failure"),
    path("v1/import-jobs/<int:pk>/failures/<int:failure_id>/mend/", MendFailureView.as_view(), name="mend"),
    path("v1/import-jobs/<int:pk>/failures/<int:failure_id>/dismiss/", DismissFailureView.as_view(), name="dismiss"),
    path("v1/me/", MeView.as_view(), name="me"),
    path("v1/me/token/", MyTokenView.as_view(), name="my-token"),
    path("v1/me/token/rotate/", RotateMyTokenView.as_view(), name="my-token-rotate"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(url_name="api:schema"), name="docs"),
    re_path(r"", no_such_address),
]
