// Slack's JavaScript client against the local workspace: a command, a button, a modal, a message and its update,
// a file, a mention. Starts a workspace of its own; exits 0 when everything came through.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import bolt from "@slack/bolt";

const { App, LogLevel } = bolt;
const CHANNEL = "C0DBALERTS";
const root = fileURLToPath(new URL("../../..", import.meta.url));
const python = process.env.PYTHON ?? `${root}/.venv/bin/python`;

const workspace = spawn(python, ["-m", "bot.lab.slack_workspace", "--port", "0"], {
  cwd: root,
  stdio: ["ignore", "pipe", "inherit"],
});
const [line] = await once(createInterface({ input: workspace.stdout }), "line");
const url = line.match(/http:\/\/\S+/)[0];

const local = async (path, body) => {
  const answer = await fetch(`${url}/local/${path}`, {
    method: body ? "POST" : "GET",
    headers: { "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  return answer.json();
};
const act = (kind, details) => local("act", { user: "U0BOB", channel: CHANNEL, kind, ...details });
const until = async (what, look) => {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert(Date.now() < deadline, `${what} did not come within 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};
const message = (text) =>
  until(`"${text}"`, async () => (await local(`channels/${CHANNEL}/messages`)).messages.find((m) => m.text === text));

const app = new App({
  token: "xoxb-local-firstmate",
  appToken: "xapp-local-firstmate",
  socketMode: true,
  logLevel: LogLevel.ERROR,
  clientOptions: { slackApiUrl: `${url}/api/` },
});
const button = { type: "button", action_id: "approve", value: "plan-1", text: { type: "plain_text", text: "Approve" } };
const field = { type: "plain_text_input", action_id: "value" };
const view = {
  type: "modal",
  callback_id: "ask",
  title: { type: "plain_text", text: "Why?" },
  submit: { type: "plain_text", text: "Send" },
  blocks: [{ type: "input", block_id: "why", label: { type: "plain_text", text: "Why" }, element: field }],
};
app.command("/mate", async ({ ack, command }) => ack(`heard ${command.text}`));
app.command("/runbook", async ({ ack, body, client }) => {
  await ack();
  await client.views.open({ trigger_id: body.trigger_id, view });
});
app.view("ask", async ({ ack, view: sent, client }) => {
  await ack();
  await client.chat.postMessage({ channel: CHANNEL, text: `because ${sent.state.values.why.value.value}` });
});
app.action("approve", async ({ ack, body, client, respond }) => {
  await ack();
  await client.chat.update({ channel: CHANNEL, ts: body.message.ts, text: `approved ${body.actions[0].value}` });
  await respond({ text: "thank you", response_type: "ephemeral" });
});
app.event("app_mention", async ({ event, say }) => say({ text: "aye", thread_ts: event.ts }));

const checks = {
  "a command is acked": async () => {
    const done = await act("command", { text: "/mate status" });
    assert.deepEqual(done.ephemerals.map((m) => m.text), ["heard status"]);
  },
  "a message is posted, its button pressed, and the message updated": async () => {
    const blocks = [{ type: "actions", block_id: "b", elements: [button] }];
    const { ts } = await app.client.chat.postMessage({ channel: CHANNEL, text: "Approve?", blocks });
    assert((await act("click", { ts, action_id: "approve" })).acked);
    assert.equal((await message("approved plan-1")).ts, ts);
    await until("the ephemeral", async () =>
      (await local("ephemerals?user=U0BOB")).messages.some((m) => m.text === "thank you"));
  },
  "a modal opens and its values come": async () => {
    await act("command", { text: "/runbook run" });
    await until("the modal", async () => (await local("view?user=U0BOB")).view);
    assert((await act("submit_view", { values: { value: "of the lag" } })).acked);
    await message("because of the lag");
  },
  "a mention is answered in its thread": async () => {
    const { ts } = await act("message", { text: "@Firstmate there?" });
    assert.equal((await message("aye")).thread_ts, ts);
  },
  "a file is uploaded": async () => {
    await app.client.files.uploadV2({ channel_id: CHANNEL, filename: "a.txt", file: Buffer.from("text") });
    const found = await until("the file", async () =>
      (await local(`channels/${CHANNEL}/messages`)).messages.find((m) => m.files));
    assert.equal(found.files[0].size, 4);
  },
  "after a refresh it comes back": async () => {
    await local("sockets", { do: "refresh" });
    await until("the second connection", async () =>
      (await local("journal?kind=socket")).entries.filter((e) => e.name === "connected").length > 1);
    await until("an acked command", async () => (await act("command", { text: "/mate again" })).acked);
  },
  "a refusal carries Slack's code": async () => {
    await assert.rejects(app.client.chat.postMessage({ channel: "C0NOWHERE", text: "x" }), (problem) =>
      problem.data.error === "channel_not_found");
  },
};

let failed = 0;
try {
  await app.start();
  await until("the connection", async () =>
    (await local("journal?kind=socket")).entries.some((e) => e.name === "connected"));
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      console.log(`ok      ${name}`);
    } catch (problem) {
      failed += 1;
      console.log(`FAILED  ${name}: ${problem.message}`);
    }
  }
  await app.stop();
} finally {
  workspace.kill("SIGTERM");
  await once(workspace, "exit");
}
process.exit(failed ? 1 : 0);
