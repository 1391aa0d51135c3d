// Calls to the sandbox itself. Owns the HTTP; every failure becomes an Error with words to show.

export { element } from "./line/element.js";

export async function call(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const content = await response.json().catch(() => null);
  if (!response.ok) throw new Error(content?.detail ?? `HTTP ${response.status}`);
  return content;
}

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, body);

export const byId = (id) => document.getElementById(id);
