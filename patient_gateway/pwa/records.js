// What this phone keeps: its session and the uploads that wait. Logging out deletes all of it.
const NAME = "home-blood-pressure";
let opened;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("kept");
      request.result.createObjectStore("outbox", { autoIncrement: true });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

async function run(store, mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(store, mode);
    const request = work(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = () => reject(transaction.error);
  });
}

export const keep = (name, value) => run("kept", "readwrite", (store) => store.put(value, name));
export const kept = (name) => run("kept", "readonly", (store) => store.get(name));
export const queue = (upload) => run("outbox", "readwrite", (store) => store.add(upload));
export const drop = (key) => run("outbox", "readwrite", (store) => store.delete(key));
export const waitingKeys = () => run("outbox", "readonly", (store) => store.getAllKeys());
export const waiting = (key) => run("outbox", "readonly", (store) => store.get(key));

export async function wipe() {
  if (opened) (await opened).close();
  opened = undefined;
  await new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(NAME);
    request.onsuccess = request.onerror = request.onblocked = resolve;
  });
  localStorage.clear();
  for (const name of await caches.keys()) await caches.delete(name);
  for (const worker of await navigator.serviceWorker?.getRegistrations() ?? []) {
    await worker.unregister();
  }
}
