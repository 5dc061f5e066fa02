// Several tabs: each page has a module of its own, and they share news and, where there are any, locks.
import assert from "node:assert/strict";
import { EXPIRED, FakeSite, Gate, REVOKED, test } from "./fake-site.mjs";

/** Web Locks as far as the module uses them: exclusive, first come first served, and a wait that can be given up. */
class Locks {
  #tail = Promise.resolve();

  async request(name, { signal }, work) {
    const before = this.#tail;
    let release;
    this.#tail = new Promise((resolve) => (release = resolve));
    try {
      await new Promise((resolve, reject) => {
        before.then(resolve);
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    } catch (error) {
      before.then(release);
      throw error;
    }

    await Promise.resolve(work()).finally(release);
  }
}

function give(t, locks) {
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
  t.after(() => (before ? Object.defineProperty(globalThis, "navigator", before) : delete globalThis.navigator));
}

/** The paths /proxy/api/0 and on, one a tab, answered 401 until all have been asked for. */
async function startTabs(t, count) {
  const site = await FakeSite.start(t);
  const gate = new Gate();
  const fresh = site.api;
  let asked = 0;
  site.api = async () => {
    if (asked++ >= count) {
      return fresh();
    }

    gate.pass();
    await gate.arrived(count);
    return EXPIRED;
  };
  const tabs = [];
  for (let index = 0; index < count; index++) tabs.push(await site.page());
  return { site, tabs, call: (index) => tabs[index].sessionFetch(site.url(`/proxy/api/${index}`)) };
}

test("with locks, six tabs refresh once and all go on", async (t) => {
  give(t, new Locks());
  const { site, tabs, call } = await startTabs(t, 6);
  const answers = await Promise.all(tabs.map((_, index) => call(index)));

  assert.deepEqual(answers.map(({ status }) => status), tabs.map(() => 200));
  assert.equal(site.refreshes, 1);
});

test("a dead session is found out once for all tabs, and each of them leaves once", async (t) => {
  give(t, new Locks());
  const { site, tabs, call } = await startTabs(t, 3);
  site.refresh = async () => REVOKED;
  const answers = await Promise.allSettled(tabs.map((_, index) => call(index)));

  assert.ok(answers.every(({ reason }) => reason.name === "SessionEndedError" && reason.reason === "revoked"));
  assert.equal(site.refreshes, 1);
  assert.deepEqual(tabs.map(({ navigations }) => navigations.length), [1, 1, 1]);
});

test("a tab that is frozen with the lock keeps the others for their patience only", async (t) => {
  const locks = new Locks();
  give(t, locks);
  const site = await FakeSite.start(t);
  const tabs = [await site.page({ tabWait: 100 }), await site.page({ tabWait: 100 })];
  locks.request("session-client", { signal: new AbortController().signal }, () => new Gate().pass());
  const answers = await Promise.all(tabs.map(({ sessionFetch }) => sessionFetch(site.url("/proxy/api/1"))));

  assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
});

test("a tab whose refresh fails gives the lock back, and the next one refreshes", async (t) => {
  give(t, new Locks());
  const site = await FakeSite.start(t);
  const [first, second] = [await site.page({ tabWait: 60_000 }), await site.page({ tabWait: 60_000 })];
  const gate = new Gate();
  site.refresh = async () => (await gate.pass(), site.refreshes === 1 ? { hangUp: true } : { status: 204 });
  const failing = first.sessionFetch(site.url("/proxy/api/1"));
  await gate.arrived();
  const waiting = second.sessionFetch(site.url("/proxy/api/2"));
  gate.open();

  assert.equal((await failing).status, 401);
  assert.equal((await waiting).status, 200);
  assert.equal(site.refreshes, 2);
});

test("a lock that is granted in the moment in which its tab gives up is given back", async (t) => {
  const granted = [];
  const request = (name, { signal }, work) =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve(granted.push(work()))));
  give(t, { request });
  const site = await FakeSite.start(t);
  const { sessionFetch } = await site.page({ tabWait: 50 });

  assert.equal((await sessionFetch(site.url("/proxy/api/1"))).status, 200);
  assert.deepEqual(granted, [undefined]);
});

test("where locks are forbidden or missing a tab refreshes by itself, and at once", async (t) => {
  const site = await FakeSite.start(t);
  for (const locks of [{ request: () => Promise.reject(new DOMException("Not here.", "SecurityError")) }, undefined]) {
    give(t, locks);
    site.isFresh = false;
    const { sessionFetch } = await site.page({ tabWait: 60_000 });
    assert.equal((await sessionFetch(site.url("/proxy/api/1"))).status, 200);
  }

  assert.equal(site.refreshes, 2);
});

test("a refresh in another tab counts for a 401 that arrives late in this one", async (t) => {
  const site = await FakeSite.start(t);
  const [here, there] = [await site.page(), await site.page()];
  const news = new BroadcastChannel("session-client");
  t.after(() => news.close());
  const heard = new Promise((resolve) => (news.onmessage = resolve));
  const late = new Gate();
  const fresh = site.api;
  let isFirst = true;
  site.api = async ({ path }) => {
    if (path === "/proxy/api/late" && isFirst) {
      isFirst = false;
      await late.pass();
      return EXPIRED;
    }

    return fresh();
  };
  const slow = here.sessionFetch(site.url("/proxy/api/late"));
  await late.arrived();
  await there.sessionFetch(site.url("/proxy/api/1"));
  await heard;
  late.open();

  assert.equal((await slow).status, 200);
  assert.equal(site.refreshes, 1);
});

test("a page that comes back by the back button may leave again", async (t) => {
  const listeners = {};
  globalThis.addEventListener = (type, listener) => (listeners[type] = listener);
  t.after(() => delete globalThis.addEventListener);
  const site = await FakeSite.start(t);
  const { sessionFetch, navigations } = await site.page();
  site.refresh = async () => REVOKED;
  const end = () => assert.rejects(sessionFetch(site.url("/proxy/api/1")), { name: "SessionEndedError" });
  await end();
  await end();
  assert.equal(navigations.length, 1);

  listeners.pageshow({ persisted: true });
  await end();
  assert.equal(navigations.length, 2);
});
