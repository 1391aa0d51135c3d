// The draft on the server: saved a moment after each change, never over what somebody else saved.

import { api, Refused } from "/static/shared/page.js";

const AFTER_MS = 900;
const DRAFT = "/v1/program/draft";

export class Draft {
  /** `revision` (0: none) and `base` as the page was made; `told(state, error)` hears of saving,
   * saved, waiting, clash, stopped. */
  constructor({ revision, base }, told) {
    Object.assign(this, { revision, base, told, stopped: false });
    this.latest = undefined;
    this.saving = undefined;
    addEventListener("beforeunload", (event) => { if (this.latest !== undefined || this.saving) event.preventDefault(); });
    addEventListener("online", () => this.#save());
    document.addEventListener("visibilitychange", () => { if (document.hidden) this.flush(); });
  }

  /** Save this document soon. */
  keep(document) {
    if (this.stopped) return;
    this.latest = document;
    this.told("waiting");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#save(), AFTER_MS);
  }

  /** Save now what waits. */
  async flush() {
    clearTimeout(this.timer);
    await this.#save();
    await this.saving;
  }

  async #save() {
    if (this.latest === undefined || this.saving || this.stopped) return;
    const document = this.latest;
    this.latest = undefined;
    this.told("saving");
    this.saving = this.#send(document);
    await this.saving;
    this.saving = undefined;
    if (this.latest !== undefined) await this.#save();
  }

  async #send(document) {
    try {
      const saved = await api("PUT", DRAFT, { document, base: this.base, revision: this.revision });
      this.revision = saved.revision;
      this.told(this.latest === undefined ? "saved" : "saving");
    } catch (error) {
      if (error instanceof Refused && error.reason === "draft-changed") { this.stopped = true; this.told("clash"); return; }
      if (this.latest === undefined) this.latest = document;
      this.told("stopped", error);
      clearTimeout(this.timer);
      if (!(error instanceof Refused) || error.status >= 500) this.timer = setTimeout(() => this.#save(), 5000);
    }
  }

  /** What somebody else saved. */
  async theirs() {
    return await api("GET", DRAFT);
  }

  /** Go on from the revision that is there now. */
  resume(revision) {
    Object.assign(this, { revision, stopped: false });
  }

  /** Throw the draft away. */
  async discard() {
    clearTimeout(this.timer);
    this.latest = undefined;
    this.stopped = true;
    await this.saving;
    await api("DELETE", DRAFT);
  }
}
