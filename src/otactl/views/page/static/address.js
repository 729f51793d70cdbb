// The state of the page, in the address after the #: it can be reloaded, kept, and opened again.

/** The fields of the address; all are texts. */
export function remembered() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

/** Keep these fields in the address; those that are empty are left out. */
export function remember(fields) {
  const wanted = new URLSearchParams(Object.entries(fields).filter(([, value]) => value));
  const hash = wanted.size ? `#${wanted}` : "";
  if (hash !== location.hash) history.replaceState(null, "", hash || location.pathname);
}

/** Call `go` with the fields of a new address, when the user typed one or went back. */
export function onAddress(go) {
  addEventListener("hashchange", () => {
    // The link that skips to the things has no fields.
    if (!document.getElementById(location.hash.slice(1))) go(remembered());
  });
}
