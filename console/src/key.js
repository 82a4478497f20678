/**
 * The API key. It comes in the fragment of the link that the server printed, which no request carries,
 * and stays in this tab.
 */
const KEPT = 'mesh-api-key';

export const givenKey = () => {
  const key = new URLSearchParams(location.hash.slice(1)).get('key');
  if (!key) return sessionStorage.getItem(KEPT);
  // Neither the history nor a shared screen has to show it.
  history.replaceState(null, '', location.pathname);
  return keepKey(key);
};

export const keepKey = key => {
  sessionStorage.setItem(KEPT, key);
  return key;
};

export const forgetKey = () => {
  sessionStorage.removeItem(KEPT);
  return null;
};
