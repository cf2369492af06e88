// Uploads the files of an import: dropped or chosen, folders with their paths, a few at a time, each as the raw body of
// a request, so that neither side ever holds one in memory. Without this script the form is a plain one.
"use strict";

(() => {
  const PARALLEL = 3;
  const SHOWN = 1000; // lines of the list; the others are counted
  const ATTEMPTS = 3;
  const LONGEST_NAME = 500;
  const number = new Intl.NumberFormat(document.documentElement.lang || undefined);

  const say = (form, word, values = {}) => {
    const text = form.dataset[`word${word}`] || "";
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  };

  const size = (bytes) => {
    const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
    let step = 0;
    while (bytes >= 1000 && step < units.length - 1) {
      bytes /= 1024;
      step += 1;
    }
    const options = { style: "unit", unit: units[step], unitDisplay: step ? "short" : "long", maximumFractionDigits: step && bytes < 10 ? 1 : 0 };
    return new Intl.NumberFormat(document.documentElement.lang || undefined, options).format(bytes);
  };

  const time = (seconds) => {
    const [value, unit] = seconds < 90 ? [seconds, "second"] : seconds < 5400 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
    const options = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 0 };
    return new Intl.NumberFormat(document.documentElement.lang || undefined, options).format(Math.max(1, value));
  };

  // Every file of what was dropped, folders opened, each with its path.
  async function* dropped(entries) {
    for (const entry of entries) {
      if (entry.isFile) {
        const path = entry.fullPath.replace(/^\//, "");
        try {
          yield { path, file: await new Promise((done, failed) => entry.file(done, failed)) };
        } catch {
          yield { path, file: null };
        }
      } else if (entry.isDirectory) {
        const reader = entry.createReader();
        for (;;) { // it gives at most a hundred at a time
          const some = await new Promise((done, failed) => reader.readEntries(done, failed)).catch(() => []);
          if (!some.length) break;
          yield* dropped(some);
        }
      }
    }
  }

  class Uploader {
    constructor(form) {
      this.form = form;
      this.items = [];
      this.paths = new Set();
      this.running = new Set();
      this.url = form.dataset.upload || "";
      this.next = form.dataset.next || "";
      this.part = (name) => form.querySelector(`[data-${name}]`);
      form.querySelectorAll("[data-scripted]").forEach((part) => { part.hidden = false; });
      this.listen();
    }

    listen() {
      const { form } = this;
      const drop = this.part("drop");
      for (const kind of ["dragenter", "dragover"]) {
        drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("sem-drop-over"); });
      }
      drop.addEventListener("dragleave", (event) => {
        if (!drop.contains(event.relatedTarget)) drop.classList.remove("sem-drop-over");
      });
      drop.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("sem-drop-over"); this.take(event.dataTransfer); });
      for (const input of [this.part("files"), this.part("folder")]) {
        input.hasChangeListener = true; // else unfold looks for a text field that shows the chosen name
        input.addEventListener("change", () => {
          for (const file of input.files) this.add(file.webkitRelativePath || file.name, file);
          input.value = "";
          this.show();
        });
      }
      form.addEventListener("submit", (event) => { event.preventDefault(); this.go(); });
      this.part("retry").addEventListener("click", () => this.again());
      this.part("stop").addEventListener("click", () => this.stop());
      window.addEventListener("pageshow", (event) => { if (event.persisted) window.location.reload(); });
      window.addEventListener("beforeunload", (event) => { if (this.going) event.preventDefault(); });
    }

    async take(data) {
      const entries = [...data.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
      const files = [...data.files]; // both are gone once this task ends
      if (entries.length) {
        let since = 0;
        for await (const { path, file } of dropped(entries)) {
          this.add(path, file);
          since += 1;
          if (since % 200 === 0) this.show();
        }
      } else {
        for (const file of files) this.add(file.name, file);
      }
      this.show();
    }

    add(path, file) {
      const item = { path, file, size: file ? file.size : 0, sent: 0, state: "waiting", error: "", tries: 0 };
      if (!file) this.fail(item, say(this.form, "Unreadable"));
      else if (this.paths.has(path)) return;
      else if (file.size > Number(this.form.dataset.mostBytes)) {
        this.fail(item, say(this.form, "TooLarge", { size: size(Number(this.form.dataset.mostBytes)) }));
      } else if (path.length > LONGEST_NAME) this.fail(item, say(this.form, "LongName"));
      this.paths.add(path);
      this.items.push(item);
      this.line(item);
      if (this.going) this.pump();
    }

    // --- sending

    async go() {
      const problem = this.part("problem");
      problem.hidden = true;
      const waiting = this.items.filter((item) => item.state === "waiting");
      if (!waiting.length) return this.complain(say(this.form, "None"));
      if (!this.url && !(await this.begin(waiting))) return undefined;
      this.going = true;
      this.began = performance.now();
      this.already = this.total("sent");
      this.buttons();
      this.pump();
      return undefined;
    }

    // Makes the draft that the files belong to. What is wrong with the form is said beside its fields.
    async begin(waiting) {
      const values = new FormData(this.form);
      values.delete("files");
      values.set("first", waiting[0].path.slice(0, LONGEST_NAME));
      values.set("others", waiting.length - 1);
      this.part("go").disabled = true;
      try {
        const answer = await fetch(this.form.action || window.location.href, { method: "POST", body: values, headers: { Accept: "application/json" } });
        if (answer.redirected || ![201, 400].includes(answer.status)) {
          this.complain(this.refusal(answer.redirected ? 403 : answer.status));
          return false;
        }
        const said = await answer.json();
        if (answer.status === 400) {
          this.complain(Object.values(said).flat().join(" "));
          return false;
        }
        this.url = said.upload;
        this.next = said.next;
        return true;
      } catch {
        this.complain(say(this.form, "Broken"));
        return false;
      } finally {
        this.part("go").disabled = false;
      }
    }

    pump() {
      while (this.going && this.running.size < PARALLEL) {
        const item = this.items.find((one) => one.state === "waiting");
        if (!item) break;
        this.send(item);
      }
      if (this.going && !this.running.size) this.finish();
      else this.show();
    }

    send(item) {
      const request = new XMLHttpRequest();
      const again = item.tries ? "&again=1" : "";
      item.state = "going";
      item.tries += 1;
      item.request = request;
      this.running.add(item);
      request.open("POST", `${this.url}?name=${encodeURIComponent(item.path)}${again}`);
      request.setRequestHeader("X-CSRFToken", this.form.elements.csrfmiddlewaretoken.value);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.addEventListener("progress", (event) => { item.sent = event.loaded; this.line(item); this.show(); });
      request.addEventListener("load", () => this.answered(item, request));
      request.addEventListener("error", () => this.broken(item));
      request.addEventListener("abort", () => { item.state = "waiting"; item.sent = 0; this.ended(item); });
      request.send(item.file);
    }

    answered(item, request) {
      if (request.responseURL && !request.responseURL.includes(this.url)) this.fail(item, this.refusal(403));
      else if (request.status === 200 || request.status === 201) {
        item.state = "stored";
        item.sent = item.size;
      } else {
        let said = "";
        try { said = JSON.parse(request.responseText).error; } catch { /* not from the view itself */ }
        this.fail(item, said || this.refusal(request.status));
      }
      this.ended(item);
    }

    // A connection that breaks is tried again by itself, with a pause; the file may also have become unreadable.
    broken(item) {
      item.sent = 0;
      if (item.tries < ATTEMPTS) {
        item.state = "pausing";
        setTimeout(() => { if (item.state === "pausing") { item.state = "waiting"; this.running.delete(item); this.pump(); } }, 1000 * item.tries);
        this.line(item);
        return;
      }
      this.fail(item, say(this.form, "Broken"));
      this.ended(item);
    }

    fail(item, error) {
      item.state = "failed";
      item.error = error;
      item.sent = 0;
    }

    refusal(status) {
      return status === 403 || status === 401 ? say(this.form, "SignedOut") : say(this.form, "Refused", { status });
    }

    ended(item) {
      this.running.delete(item);
      this.line(item);
      this.pump();
    }

    again() {
      for (const item of this.items) {
        if (item.state === "failed" && item.file && item.tries) Object.assign(item, { state: "waiting", error: "", tries: 1 });
        this.line(item);
      }
      this.go();
    }

    stop() {
      this.going = false;
      for (const item of [...this.running]) item.request.abort();
      this.running.clear();
      for (const item of this.items) if (item.state === "pausing" || item.state === "going") item.state = "waiting";
      this.buttons();
      this.show();
    }

    finish() {
      this.going = false;
      const failed = this.items.filter((item) => item.state === "failed").length;
      if (failed) {
        this.buttons();
        this.show();
        return;
      }
      this.buttons();
      this.part("go").disabled = true;
      this.part("summary").textContent = `${say(this.form, "Done", { files: number.format(this.items.length) })} ${say(this.form, "Reading")}`;
      window.location.assign(this.next);
    }

    // --- showing

    complain(text) {
      const problem = this.part("problem");
      problem.textContent = text;
      problem.hidden = false;
    }

    total(what) {
      return this.items.reduce((sum, item) => sum + (item.state === "failed" ? 0 : item[what]), 0);
    }

    buttons() {
      const failed = this.items.some((item) => item.state === "failed");
      const stored = this.items.some((item) => item.state === "stored");
      const waiting = this.items.some((item) => item.state === "waiting");
      const over = !this.going && failed && !waiting;
      this.part("go").hidden = Boolean(this.going) || (over && stored);
      this.part("stop").hidden = !this.going;
      this.part("retry").hidden = !(over && this.items.some((item) => item.state === "failed" && item.tries));
      const next = this.form.querySelector("a[data-next]");
      next.hidden = !(over && stored);
      if (this.next) next.href = this.next;
    }

    // Draws at most once a frame.
    show() {
      if (this.drawing) return;
      this.drawing = true;
      requestAnimationFrame(() => { this.drawing = false; this.draw(); });
    }

    draw() {
      const { form, items } = this;
      const files = number.format(items.length);
      const stored = items.filter((item) => item.state === "stored").length;
      const failed = items.filter((item) => item.state === "failed").length;
      const [sent, all] = [this.total("sent"), this.total("size")];
      const bar = this.part("all");
      this.part("uploads").hidden = !items.length;
      bar.hidden = !this.going;
      bar.value = all ? sent / all : 0;
      let summary = say(form, "Ready", { files, size: size(all) });
      let said = summary;
      let pace = "";
      if (this.going) {
        const percent = all ? Math.floor(sent * 100 / all) : 0;
        summary = say(form, "Going", { done: number.format(stored), files, percent: number.format(percent), size: size(all) });
        const tenth = percent - percent % 10; // read aloud now and then, not with every file
        said = say(form, "Going", { done: number.format(stored - stored % 100), files, percent: number.format(tenth), size: size(all) });
        said = tenth === this.tenth ? this.part("said").textContent : said;
        this.tenth = tenth;
        const seconds = (performance.now() - this.began) / 1000;
        const rate = (sent - this.already) / seconds;
        if (seconds > 1 && rate > 0) pace = say(form, "Pace", { rate: size(rate), time: time((all - sent) / rate) });
      } else if (failed) said = summary = say(form, "Partly", { failed: number.format(failed), files });
      this.part("summary").textContent = summary;
      if (this.part("said").textContent !== said) this.part("said").textContent = said;
      this.part("pace").textContent = pace;
      const more = this.part("more");
      more.hidden = items.length <= SHOWN;
      more.textContent = say(form, "More", { files: number.format(items.length - SHOWN) });
      if (!this.going) this.buttons();
    }

    line(item) {
      const list = this.part("list");
      if (!item.line) {
        if (list.childElementCount >= SHOWN && item.state !== "failed") return;
        item.line = document.createElement("li");
        item.line.innerHTML = '<span class="sem-path" dir="auto"></span><span class="sem-small"></span><progress class="sem-bar" max="1"></progress><span class="sem-small sem-upload-state"></span><button type="button" class="sem-button-quiet"><span class="material-symbols-outlined" aria-hidden="true">close</span></button>';
        item.line.children[0].textContent = item.path;
        item.line.children[1].textContent = size(item.size);
        item.line.children[2].setAttribute("aria-label", item.path);
        item.line.children[4].setAttribute("aria-label", say(this.form, "Remove", { name: item.path }));
        item.line.children[4].addEventListener("click", () => this.remove(item));
        list.append(item.line);
      }
      const [, , bar, state, remove] = item.line.children;
      if (item.line.dataset.state !== item.state && (item.state === "failed" || item.state === "going")) list.prepend(item.line);
      item.line.dataset.state = item.state;
      bar.hidden = item.state !== "going";
      bar.value = item.size ? item.sent / item.size : 0;
      state.textContent = item.state === "failed" ? item.error : item.state === "stored" ? say(this.form, "Stored") : item.state === "waiting" ? say(this.form, "Waiting") : "";
      remove.hidden = item.state === "stored" || item.state === "going";
    }

    remove(item) {
      this.items.splice(this.items.indexOf(item), 1);
      this.paths.delete(item.path);
      item.line.remove();
      this.show();
    }
  }

  document.querySelectorAll("form[data-uploader]").forEach((form) => new Uploader(form));
})();
