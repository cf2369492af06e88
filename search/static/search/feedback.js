/* Tells the server which results are opened, and which search a new one follows. Searching works without this file. */
"use strict";

(() => {
  const shown = () => document.querySelector("#answer [data-query-id]");

  function tellOpened(event) {
    if (event.type === "auxclick" && event.button !== 1) return;
    const link = event.target.closest("#results [data-document] a[href]");
    const results = shown();
    if (!link || !results || !results.dataset.queryId) return;
    const opened = {
      query_id: results.dataset.queryId,
      document: link.closest("[data-document]").dataset.document,
      kind: "click",
    };
    navigator.sendBeacon(results.dataset.feedbackUrl, new URLSearchParams(opened));
  }

  document.addEventListener("click", tellOpened);
  document.addEventListener("auxclick", tellOpened);

  document.addEventListener("htmx:configRequest", (event) => {
    const results = shown();
    if (results && results.dataset.queryId) event.detail.headers["X-Search-Before"] = results.dataset.queryId;
  });
})();
