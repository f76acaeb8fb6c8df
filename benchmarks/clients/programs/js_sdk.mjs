// node js_sdk.mjs URL TEXT: prints what an agent's answer is, with and without a stream.
import { Role } from "@a2a-js/sdk";
import { ClientFactory } from "@a2a-js/sdk/client";

const [, , url, text] = process.argv;
const client = await new ClientFactory().createFromUrl(url);

function request() {
  const parts = [{ content: { $case: "text", value: text } }];
  return { message: { messageId: crypto.randomUUID(), role: Role.ROLE_USER, parts } };
}

function textOf(artifact) {
  return artifact.parts.map((part) => part.content.value).join("");
}

const task = await client.sendMessage(request());
let streamed = "";
let pieces = 0;
for await (const { payload } of client.sendMessageStream(request())) {
  if (payload.$case === "artifactUpdate") {
    const { append, artifact } = payload.value;
    streamed = append ? streamed + textOf(artifact) : textOf(artifact);
    pieces += 1;
  }
}
console.log(JSON.stringify({ answer: task.artifacts.map(textOf).join(""), streamed, pieces }));
