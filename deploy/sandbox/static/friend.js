// The page that offers the account as a friend: the phone around it does what was pressed.
"use strict";
document.getElementById("add").addEventListener("click", () => {
  window.parent.postMessage({ type: "line.addFriend" }, location.origin);
});
