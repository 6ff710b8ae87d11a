// A real browser looks at the status page: Debian's Chromium, driven by playwright-core, judged by axe-core.
//
//   node browser.mjs NODE_FOLDER URL PICTURES look NAME         what there is to see of a page; a JSON document
//   node browser.mjs NODE_FOLDER URL PICTURES follow WORD WORD  "open", then a line when the answer becomes the first word,
//                                                               and one when the page says that it is old
//   node browser.mjs NODE_FOLDER URL PICTURES details TOKEN     the page as the operator; a JSON document
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, url, pictures, mode, ...words] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const { chromium } = require("playwright-core");
const axe = require("axe-core").source;

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const DESK = { width: 1100, height: 900 };
const PHONE = { width: 375, height: 800 };

// Opens the page in a context of its own, and keeps what it should not do.
async function open(options) {
  const context = await browser.newContext({ viewport: DESK, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (said) => said.type() === "error" && wrong.push(said.text()));
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(new URL(url).origin)) wrong.push(`asks ${request.url()}`);
  });
  const response = await page.goto(url);
  return { page, wrong, response };
}

// axe-core runs in a world of its own (CDP): the page's policy forbids it the page's.
async function violations(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Page.enable");
  const { frameTree } = await session.send("Page.getFrameTree");
  const world = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
  const contextId = world.executionContextId;
  await session.send("Runtime.evaluate", { contextId, expression: axe });
  const expression = "axe.run(document, { resultTypes: ['violations'] }).then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html).join(' ').slice(0, 300)))";
  const { result } = await session.send("Runtime.evaluate", { contextId, expression, awaitPromise: true, returnByValue: true });
  return result.value;
}

const text = (page, selector) => page.locator(selector).innerText();

async function look(name) {
  const seen = { wrong: [], violations: [] };
  for (const [kind, options] of Object.entries({
    light: { colorScheme: "light" },
    dark: { colorScheme: "dark" },
    phone: { viewport: PHONE, colorScheme: "light" },
  })) {
    const { page, wrong } = await open(options);
    await page.screenshot({ path: join(pictures, `${name}-${kind}.png`), fullPage: true });
    seen.violations.push(...(await violations(page)));
    seen.wrong.push(...wrong);
    if (kind === "phone") seen.width = await page.evaluate(() => document.scrollingElement.scrollWidth);
    if (kind === "light") {
      seen.title = await page.title();
      seen.answer = await text(page, ".verdict");
      seen.text = await text(page, "main");
      seen.landmarks = await page.evaluate(() => ["main", "footer", "h1"].map((name) => document.querySelectorAll(name).length));
      seen.focus = [];
      for (let at = 0; at < 12; at++) {
        await page.keyboard.press("Tab");
        seen.focus.push(await page.evaluate(() => document.activeElement.textContent.slice(0, 40)));
      }
    }
  }
  const { page } = await open({ javaScriptEnabled: false });
  seen.withoutScript = await text(page, "main");
  return seen;
}

async function follow(word, old) {
  const { page, wrong } = await open({});
  console.log("open");
  await page.waitForFunction((word) => document.querySelector(".verdict").textContent === word, word, { timeout: 60000 });
  console.log(word);
  await page.waitForFunction((old) => document.getElementById("away").textContent.includes(old), old, { timeout: 60000 });
  console.log(old);
  return { wrong: wrong.filter((said) => !said.includes("ERR_CONNECTION")) };
}

async function details(token) {
  // Without a token the browser has no page to show, only the question.
  const anybody = await fetch(url);
  const operator = await open({ httpCredentials: { username: "operator", password: token } });
  return { status: anybody.status, asOperator: operator.response.status(), text: await text(operator.page, "main") };
}

try {
  const seen = await { look, follow, details }[mode](...words);
  console.log(JSON.stringify(seen));
} finally {
  await browser.close();
}
