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

  const KEYS_OFF = "search.keys-off"; // WCAG 2.1.4: keys without Ctrl can be turned off, by whoever speaks to type

  function singleKeysAreOn() {
    try {
      return !localStorage.getItem(KEYS_OFF);
    } catch {
      return true;
    }
  }

  function showKeys() {
    const dialog = byId("keys");
    if (!dialog || dialog.open) return;
    byId("single-keys").checked = singleKeysAreOn();
    dialog.showModal();
  }

  // The passage after or before the one that was gone to last; the best one, which the page begins with, at first.
  let passage = null;
  function stepThroughPassages(step) {
    const all = [...document.querySelectorAll("mark[data-number]")];
    if (!all.length) return;
    const at = all.indexOf(passage && passage.isConnected ? passage : byId("passage"));
    passage = all[(at + step + all.length) % all.length];
    passage.focus({ preventScroll: true });
    passage.scrollIntoView({ block: "center" });
  }

  function single(key) {
    if (key === "/") focusField();
    else if (key === "?") showKeys();
    else if (key === "n") stepThroughPassages(1);
    else if (key === "p") stepThroughPassages(-1);
    else return false;
    return true;
  }

  function goBack() {
    const back = byId("back");
    if (!back) return;
    if (document.referrer === back.href) history.back(); // where it was scrolled to
    else back.click();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("dialog[open]")) return; // a closed one keeps the focus for a moment
    const typing = event.target.closest("input:not([type=radio]), select, textarea, [contenteditable]");
    if (!typing && singleKeysAreOn() && single(event.key)) {
      event.preventDefault();
    } else if (event.key === "Escape" && !typing && byId("back")) {
      goBack();
    } else if (event.key === "ArrowDown") {
      moveThroughResults(event, 1);
    } else if (event.key === "ArrowUp") {
      moveThroughResults(event, -1);
    } else if (event.key === "Escape" && titles().includes(document.activeElement)) {
      focusField();
    }
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-opens=keys], [data-step]");
    if (!button) return;
    if (button.dataset.step) stepThroughPassages(Number(button.dataset.step));
    else showKeys();
  });

  document.addEventListener("change", (event) => {
    if (event.target.id !== "single-keys") return;
    try {
      if (event.target.checked) localStorage.removeItem(KEYS_OFF);
      else localStorage.setItem(KEYS_OFF, "1");
    } catch {
      /* without storage they stay on */
    }
  });

  for (const scripted of document.querySelectorAll("[data-scripted]")) scripted.hidden = false;
  if (!byId("keys")) for (const button of document.querySelectorAll("[data-opens=keys]")) button.hidden = true;

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
    const throttled = event.detail.xhr && event.detail.xhr.status === 429;
    const trouble = byId(throttled ? "throttled" : navigator.onLine ? "trouble" : "offline");
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
    for (const next of document.querySelectorAll(".languages [name=next]")) next.value = location.pathname + location.search;
    if (signIn) signIn.search = new URLSearchParams({ next: location.pathname + location.search });
    const item = focusNext && byId(focusNext);
    focusNext = "";
    if (item) item.querySelector("a.title").focus();
  });

  window.addEventListener("online", () => {
    const form = byId("search");
    if (form && document.querySelector("#answer [data-state=offline]")) form.requestSubmit();
  });

  for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(failure, (event) => {
      if (isForAnswer(event)) showTrouble(event);
    });
  }
})();
