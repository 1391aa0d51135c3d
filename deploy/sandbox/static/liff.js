// The `liff` object for pages that run in the sandbox's phone: the part of LINE's SDK that we use.
// The phone names its user in the fragment (#sandbox-user=U…); the ID token comes from the sandbox.
(function () {
  "use strict";
  const origin = new URL(document.currentScript.src).origin;
  const KEY = "sandbox-user";
  let userId = null;
  let token = null;
  let profile = null;
  let markReady;
  const ready = new Promise((resolve) => { markReady = resolve; });

  function learnUser() {
    const fragment = new URLSearchParams(location.hash.slice(1));
    const named = fragment.get(KEY);
    if (named) {
      sessionStorage.setItem(KEY, named);
      fragment.delete(KEY);
      const rest = fragment.toString();
      history.replaceState(null, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
    }
    return named || sessionStorage.getItem(KEY);
  }

  function fail(code, message) {
    return Object.assign(new Error(message), { code });
  }

  async function ask(method, path) {
    const response = await fetch(`${origin}/sandbox/users/${encodeURIComponent(userId)}/${path}`, { method });
    if (!response.ok) throw fail("INIT_FAILED", `the sandbox answered ${response.status}`);
    return response.json();
  }

  async function init(config, onSuccess, onError) {
    try {
      if (!config || !config.liffId) throw fail("INVALID_CONFIG", "liffId is necessary for liff.init()");
      liff.id = config.liffId;
      userId = learnUser();
      if (userId) {
        const given = await ask("GET", "id-token");
        token = given.id_token;
        profile = { userId: given.user_id, displayName: given.name };
      }
      markReady();
      if (onSuccess) onSuccess();
    } catch (error) {
      if (onError) onError(error);
      throw error;
    }
  }

  function tell(type) {
    if (window.parent !== window) window.parent.postMessage({ type }, origin);
  }

  // The phone asks for the code in its own words; the answer is fetched when it is there.
  async function scanCodeV2() {
    if (!userId) throw fail("UNAUTHORIZED", "no user");
    tell("liff.scanCodeV2");
    for (let tries = 0; tries < 400; tries += 1) {
      const { value } = await ask("POST", "scan/take");
      if (value !== null) return { value };
      await new Promise((resolve) => { setTimeout(resolve, 300); });
    }
    throw fail("EXCEPTION_IN_SUBWINDOW", "nothing was scanned");
  }

  function decoded() {
    if (!token) return null;
    const bytes = Uint8Array.from(
      atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  }

  const liff = {
    id: null,
    ready,
    init,
    isLoggedIn: () => token !== null,
    login: (given) => {
      const back = given?.redirectUri ?? location.origin + location.pathname + location.search;
      location.href = `${origin}/liff/login?redirect_uri=${encodeURIComponent(back)}`;
    },
    logout: () => { sessionStorage.removeItem(KEY); token = null; },
    getIDToken: () => token,
    getDecodedIDToken: decoded,
    getProfile: async () => { if (!profile) throw fail("UNAUTHORIZED", "no user"); return profile; },
    isInClient: () => window.parent !== window,
    isApiAvailable: (name) => name === "scanCodeV2",
    getOS: () => "web",
    getLanguage: () => navigator.language,
    getVersion: () => "2.0.0-sandbox",
    getContext: () => ({ type: "utou", viewType: "tall", liffId: liff.id, userId }),
    openWindow: (what) => { window.open(what.url, "_blank", "noopener"); },
    closeWindow: () => tell("liff.closeWindow"),
    scanCodeV2,
  };
  window.liff = liff;
})();
