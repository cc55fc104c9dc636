// What the page knows: states of nodes, alarms, silent devices, who looks, and how fresh all of it is; null: nobody has
// answered yet. Events: nodes, states, alarms, silent, me, status.

const API = "api/v1/";
const KINDS = ["system", "zone", "unit", "facility"];
// Several changes within this time are one look, and a source that is away is asked again after this long.
const TOGETHER_MS = 200;
export const AGAIN_MS = 2000;
// No answer within this time is none. What no news tell of is asked for this often.
const ANSWER_MS = 20_000;
export const REGULARLY_MS = 60_000;

export async function ask(path, options) {
  const answer = await fetch(API + path, { signal: AbortSignal.timeout(ANSWER_MS), ...options });
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
  alarms = null;
  silent = null;
  status = { now: null, wall: null, redis: null, database: null };
  me = { asked: false, name: "", role: "", entity: null, orders: [] };
  connected = false;
  heardAt = 0;
  /** Questions whose last answer was none, and since when: what they ask for may be old. */
  failing = new Map();
  #statusAt = 0;
  #newest = "";
  #strangers = new Set();
  #events = null;
  #waiting = new Set();
  #working = new Set();

  start() {
    this.#listen();
    setInterval(() => this.connected && this.#soon("silent"), REGULARLY_MS);
  }

  /** What time it is by the server's clock, in milliseconds; null: it has not said. */
  get wall() {
    return this.status.wall && this.status.wall * 1000 + performance.now() - this.#statusAt;
  }

  /** A question was answered, or not. */
  note(name, answered) {
    if (answered) this.failing.delete(name);
    else if (!this.failing.has(name)) this.failing.set(name, performance.now());
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
      this.#statusAt = this.heardAt;
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
      this.note(name, true);
    } catch {
      this.note(name, false);
      setTimeout(() => this.#soon(name), AGAIN_MS);
      return;
    } finally {
      this.#working.delete(name);
    }
    this.#tell(name);
  }

  async _nodes() {
    const rows = await askAll("nodes?");
    this.nodes = new Map(rows.map((row) => [`${row.node_kind}/${row.node}`, row]));
  }

  async _states() {
    const found = await ask(`now?${KINDS.map((kind) => `kind=${kind}`).join("&")}`);
    if (!found) return;
    this.states = found.nodes;
    const codes = Object.entries(this.states).flatMap(([kind, nodes]) => Object.keys(nodes).map((code) => `${kind}/${code}`));
    // Registered meanwhile. Whom the answer does not name, either, is not asked for again and again.
    const strangers = codes.filter((code) => !this.nodes.has(code) && !this.#strangers.has(code));
    if (this.nodes.size && strangers.length) {
      strangers.forEach((code) => this.#strangers.add(code));
      this.#soon("nodes");
    }
    // Who is silent may be others with every interval, without an alarm.
    const newest = Object.values(this.states).flatMap(Object.values).reduce((last, { ts }) => (ts > last ? ts : last), "");
    if (newest !== this.#newest) this.#soon("silent");
    this.#newest = newest;
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
