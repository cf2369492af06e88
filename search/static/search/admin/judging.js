// Keys for the judging page: 0 to 3 judge, arrows move, Backspace takes back, n goes on. Without it the buttons do all.
"use strict";

(() => {
  const cards = [...document.querySelectorAll("[data-document]")];
  const status = document.getElementById("sem-judge-status");
  if (!cards.length || !status) return;

  const current = () => Math.max(0, cards.indexOf(document.activeElement.closest("[data-document]")));
  const move = (to) => {
    const card = cards[Math.min(cards.length - 1, Math.max(0, to))];
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "center" });
  };
  const tell = () => {
    const left = cards.filter((card) => card.dataset.grade === undefined).length;
    status.textContent = `${left} ${status.dataset.words}`;
  };

  const judge = async (card, grade) => {
    const form = card.querySelector("form");
    const body = new FormData(form);
    body.set("grade", grade);
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.statusText);
    } catch {
      status.textContent = status.dataset.failed;
      return false;
    }
    for (const button of form.querySelectorAll("[aria-pressed]")) {
      button.setAttribute("aria-pressed", String(button.value === grade));
    }
    if (grade === "") delete card.dataset.grade;
    else card.dataset.grade = grade;
    tell();
    return true;
  };

  for (const card of cards) {
    card.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      judge(card, event.submitter ? event.submitter.value : "");
    });
  }

  document.addEventListener("keydown", async (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    const at = current();
    if (/^[0-3]$/.test(event.key)) {
      event.preventDefault();
      if (await judge(cards[at], event.key)) move(at + 1);
    } else if (event.key === "Backspace") {
      event.preventDefault();
      judge(cards[at], "");
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(at + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "n") {
      document.querySelector("[data-next]")?.click();
    }
  });

  const first = cards.findIndex((card) => card.dataset.grade === undefined);
  cards[Math.max(0, first)].focus({ preventScroll: true });
})();
