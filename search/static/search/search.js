/* What htmx leaves open on the search page: keys, one announcement for each settled search, and what to say
   when no answer comes. The page works without this file; it never builds markup from strings. */
"use strict";

(() => {
  const SETTLED_AFTER_MS = 700;
  let announcement = 0;
  let announced = { text: "", search: "" };
  let focusNext = "";

  const byId = (id) => document.getElementById(id);
  const titles = () => [...document.querySelectorAll("#results a.title")];

  function focusField() {
    const field = byId("q");
    if (!field) return;
    field.focus();
    field.select();
  }

  function moveThroughResults(event, step) {
    const links = titles();
    const at = links.indexOf(document.activeElement);
    const inField = document.activeElement === byId("q");
    if (!links.length || (at < 0 && !inField)) return;
    event.preventDefault();
    if (at + step < 0) {
      if (!inField) focusField();
      return;
    }
    const next = links[inField ? 0 : Math.min(at + step, links.length - 1)];
    if (!inField || step > 0) next.focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.closest("input:not([type=radio]), select, textarea, [contenteditable]");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      focusField();
    } else if (event.key === "ArrowDown") {
      moveThroughResults(event, 1);
    } else if (event.key === "ArrowUp") {
      moveThroughResults(event, -1);
    } else if (event.key === "Escape" && titles().includes(document.activeElement)) {
      focusField();
    }
  });

  function announceWhenSettled() {
    clearTimeout(announcement);
    announcement = setTimeout(() => {
      const said = document.querySelector("#answer [data-announce]");
      const announcer = byId("announcer");
      if (!said || !announcer) return;
      const text = said.textContent.replace(/\s+/g, " ").trim();
      if (text === announced.text && location.search === announced.search) return; // a retry with nothing new
      announcer.textContent = text === announced.text ? `${text}\u00a0` : text;
      announced = { text, search: location.search };
    }, SETTLED_AFTER_MS);
  }

  // What cannot be added to the results is said below them.
  function showTrouble(event) {
    const place = byId(event.detail.target.id === "results" ? "more" : "answer");
    const trouble = byId("trouble");
    if (!place || !trouble) return;
    place.replaceChildren(trouble.content.cloneNode(true));
    announceWhenSettled();
  }

  const isForAnswer = (event) => event.detail.target && ["answer", "results"].includes(event.detail.target.id);

  document.addEventListener("htmx:beforeRequest", (event) => {
    const polls = event.detail.elt.matches(".indexing");
    if (polls && document.hidden) event.preventDefault();
    if (isForAnswer(event)) {
      clearTimeout(announcement);
      focusNext = event.detail.elt.dataset.thenFocus || "";
    }
  });

  // A proxy's error page or a login page must not be put into the middle of this one.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!isForAnswer(event) || !event.detail.shouldSwap) return;
    if (event.detail.serverResponse.includes("data-state=")) return;
    event.detail.shouldSwap = false;
    showTrouble(event);
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    if (!isForAnswer(event)) return;
    announceWhenSettled();
    const signIn = byId("sign-in");
    if (signIn) signIn.search = new URLSearchParams({ next: location.pathname + location.search });
    const item = focusNext && byId(focusNext);
    focusNext = "";
    if (item) item.querySelector("a.title").focus();
  });

  for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(failure, (event) => {
      if (isForAnswer(event)) showTrouble(event);
    });
  }
})();
