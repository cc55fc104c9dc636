// What the page knows: states of nodes, alarms, silent devices, who looks, and how fresh all of it is. Events: nodes,
// states, alarms, silent, me, status.

const API = "api/v1/";
const KINDS = ["system", "zone", "unit", "facility"];
// Several changes within this time are one look, and a source that is away is asked again after this long.
const TOGETHER_MS = 200;
const AGAIN_MS = 2000;

export async function ask(path, options) {
  const answer = await fetch(API + path, options);
  // Known no longer: the front page offers to log in.
  if (answer.status === 401) location.reload();
  const body = answer.status === 304 ? null : await answer.json();
  if (!answer.ok) throw new Error(body?.detail ?? answer.statusText);
  return body;
}

async function askAll(path) {
  const rows = [];
  let cursor = null;
  do {
    const page = await ask(`${path}&limit=10000${cursor ? `&cursor=${cursor}` : ""}`);
    rows.push(...page.data);
    cursor = page.next;
  } while (cursor);
  return rows;
}

export class Source extends EventTarget {
  nodes = new Map();
  states = {};
  alarms = [];
  silent = [];
  status = { now: null, redis: null, database: null };
  me = { asked: false, name: "", role: "", entity: null, orders: [] };
  connected = false;
  heardAt = 0;
  #events = null;
  #waiting = new Set();
  #working = new Set();

  start() {
    this.#listen();
  }

  /** A node's rows of an operating day, and its plan of the whole of it. */
  async day(kind, node, day) {
    const path = `nodes/${encodeURIComponent(kind)}/${encodeURIComponent(node)}`;
    const [balances, plan] = await Promise.all([
      ask(`${path}/balances?period=${day}`), ask(`${path}/plan?period=${day}`),
    ]);
    return { balances: balances.data, plan: plan.data, begin: Date.parse(plan.begin) / 1000, end: Date.parse(plan.end) / 1000 };
  }

  #listen() {
    const events = this.#events = new EventSource(`${API}changes`);
    const on = (name, act) => events.addEventListener(name, (event) => {
      this.heardAt = performance.now();
      act(JSON.parse(event.data));
    });
    events.addEventListener("open", () => {
      this.#connect(true);
      this.#soon("nodes", "states", "alarms", "silent", "me");
    });
    events.addEventListener("error", () => {
      this.#connect(false);
      if (events.readyState !== EventSource.CLOSED) return;
      this.#soon("me");
      setTimeout(() => this.#listen(), AGAIN_MS);
    });
    on("changes", () => this.#soon("states"));
    on("alarms", () => this.#soon("alarms", "silent"));
    on("reset", () => this.#soon("nodes", "states", "alarms", "silent"));
    on("status", (status) => {
      this.status = status;
      this.#tell("status");
    });
  }

  #connect(connected) {
    this.connected = connected;
    if (connected) this.heardAt = performance.now();
    this.#tell("status");
  }

  #tell(name) {
    this.dispatchEvent(new Event(name));
  }

  #soon(...names) {
    for (const name of names) {
      if (this.#waiting.has(name)) continue;
      this.#waiting.add(name);
      setTimeout(() => this.#look(name), TOGETHER_MS);
    }
  }

  async #look(name) {
    if (this.#working.has(name)) {
      setTimeout(() => this.#look(name), TOGETHER_MS);
      return;
    }
    this.#waiting.delete(name);
    this.#working.add(name);
    try {
      await this[`_${name}`]();
      this.#tell(name);
    } catch {
      setTimeout(() => this.#soon(name), AGAIN_MS);
    } finally {
      this.#working.delete(name);
    }
  }

  async _nodes() {
    const rows = await askAll("nodes?");
    this.nodes = new Map(rows.map((row) => [`${row.node_kind}/${row.node}`, row]));
  }

  async _states() {
    const found = await ask(`now?${KINDS.map((kind) => `kind=${kind}`).join("&")}`);
    if (found) this.states = found.nodes;
  }

  async _alarms() {
    this.alarms = (await ask("alarms")).data;
  }

  async _me() {
    this.me = await ask("me");
  }

  async _silent() {
    this.silent = (await ask("silent")).data;
  }
}
