// Looks for news every ten seconds while somebody looks at the page, and says when there are none to be had.
const main = () => document.querySelector("main");
const away = document.getElementById("away");
let etag = document.documentElement.dataset.etag;
async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { cache: "no-store", headers: { "if-none-match": etag } });
    if (answer.status === 200) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const open = [...document.querySelectorAll("details")].map((details) => details.open);
      main().replaceWith(page.querySelector("main"));
      document.querySelectorAll("details").forEach((details, at) => (details.open = open[at] ?? details.open));
      document.title = page.title;
      etag = page.documentElement.dataset.etag;
    } else if (answer.status !== 304) {
      throw new Error(answer.status);
    }
    away.textContent = "";
  } catch {
    away.textContent = "The probe does not answer: what is below is old.";
  }
}
setInterval(look, 10000);
document.addEventListener("visibilitychange", look);
